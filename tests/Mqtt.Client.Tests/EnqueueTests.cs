namespace Mqtt.Client.Tests;

/// <summary>Messages that are handed over to a queue in memory. Those with a store: <see cref="StoredQueueTests"/>.</summary>
public class EnqueueTests
{
    [Theory]
    [InlineData(QualityOfService.AtMostOnce)]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public async Task A_message_is_taken_while_the_client_connects_and_sent_when_it_has(QualityOfService qualityOfService)
    {
        await using var scene = Scene.Begin();
        var connecting = scene.Client.ConnectAsync().AsTask();
        (await scene.Client.EnqueueAsync(Message("1", qualityOfService)).Soon()).Should().BeTrue();
        await scene.Dialled().AcceptAsync();
        await connecting.Soon();

        (await scene.Server.ExpectAsync<PublishPacket>()).QualityOfService.Should().Be(qualityOfService);
        scene.Server.Abort();
    }

    [Fact]
    public async Task Nobody_needs_to_wait_for_the_server()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { ReceiveMaximum = 1 });
        for (var i = 1; i <= 3; i++)
            (await scene.Client.EnqueueAsync(Message($"{i}")).Soon()).Should().BeTrue();

        await AcknowledgeAsync(scene);
        await AcknowledgeAsync(scene);
        await AcknowledgeAsync(scene);
    }

    [Fact]
    public async Task Without_a_store_it_is_not_taken_where_nobody_connects()
    {
        await using var scene = Scene.Begin();

        await FluentActions.Awaiting(() => scene.Client.EnqueueAsync(Message("1")).Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task Without_a_store_it_is_forgotten_with_the_connection_and_told()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { ReceiveMaximum = 1 });
        await scene.Client.EnqueueAsync(Message("1")).Soon();
        await scene.Client.EnqueueAsync(Message("2")).Soon();
        await scene.Server.ExpectAsync<PublishPacket>();
        await scene.DisconnectAsync();

        await scene.HappenedAsync<MqttConnectedEvent>();
        (await scene.HappenedAsync<MqttPublishLostEvent>()).Cause.Should().Be(MqttPublishLoss.Offline);
        scene.Client.Statistics.MessagesQueued.Should().Be(0);
    }

    [Fact]
    public async Task When_the_queue_is_full_its_policy_holds()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Queue = new() { Count = 1 } }, answer: new ConnAckPacket { ReceiveMaximum = 1 });
        await scene.Client.EnqueueAsync(Message("1")).Soon();
        await scene.Client.EnqueueAsync(Message("2")).Soon();
        var waiting = scene.Client.EnqueueAsync(Message("3")).AsTask();
        (await scene.Client.EnqueueAsync(Message("4"), MqttQueuePolicy.DropNewest).Soon()).Should().BeFalse();
        await FluentActions.Awaiting(() => scene.Client.EnqueueAsync(Message("5"), MqttQueuePolicy.FailWhenFull).Soon()).Should().ThrowAsync<MqttConnectionException>();
        waiting.IsCompleted.Should().BeFalse();

        await AcknowledgeAsync(scene);
        (await waiting.Soon()).Should().BeTrue();
    }

    [Fact]
    public async Task A_message_that_is_not_to_wait_has_no_place_in_a_queue()
    {
        await using var scene = await Scene.ConnectedAsync();

        await FluentActions.Awaiting(() => scene.Client.EnqueueAsync(Message("1"), MqttQueuePolicy.FailOffline).Soon()).Should().ThrowAsync<ArgumentException>();
    }

    [Fact]
    public async Task What_the_server_is_known_to_refuse_is_not_taken()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { MaximumQoS = 0 });

        await FluentActions.Awaiting(() => scene.Client.EnqueueAsync(Message("1")).Soon()).Should().ThrowAsync<MqttRefusedException>();
    }

    [Fact]
    public async Task Interceptors_see_what_is_enqueued()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Interceptors = [new Renaming()] });
        (await scene.Client.EnqueueAsync(Message("1")).Soon()).Should().BeTrue();

        (await scene.Server.ExpectAsync<PublishPacket>()).Topic.ToString().Should().Be("b");
        scene.Server.Abort();
    }

    [Fact]
    public async Task After_the_end_of_the_client_nothing_is_taken()
    {
        var scene = await Scene.ConnectedAsync();
        await scene.DisposeAsync();

        await FluentActions.Awaiting(() => scene.Client.EnqueueAsync(Message("1")).Soon()).Should().ThrowAsync<ObjectDisposedException>();
    }

    private static MqttMessage Message(string text, QualityOfService qualityOfService = QualityOfService.AtLeastOnce) => new("a", text) { QualityOfService = qualityOfService };

    private static async Task AcknowledgeAsync(Scene scene) =>
        await scene.Server.SendAsync(new PubAckPacket { PacketId = (await scene.Server.ExpectAsync<PublishPacket>()).PacketId });

    private sealed class Renaming : MqttInterceptor
    {
        public override ValueTask<MqttPublishResult> PublishAsync(
            MqttMessage message, Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>> next, CancellationToken cancellationToken) =>
            next(message.With(topic: "b"), cancellationToken);
    }
}
