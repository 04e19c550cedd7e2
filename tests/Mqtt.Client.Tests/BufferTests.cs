namespace Mqtt.Client.Tests;

/// <summary>Every buffer goes back to its pool, however things end. Runs alone, since there is one count for the process.</summary>
[Collection(nameof(AllocationTests))]
public class BufferTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_buffer_is_given_back(bool reconnecting)
    {
        var leaks = new BufferLeakCheck();
        await using (var scene = await Scene.ConnectedAsync(options => options with { Reconnect = reconnecting ? Scene.AtOnce : options.Reconnect }, answer: new ConnAckPacket { ReceiveMaximum = 2 }))
        {
            await scene.SubscribedAsync("unread");
            await scene.SubscribedAsync("handled", (_, _) => { });
            var left = scene.Client.Subscribe("left", QualityOfService.AtLeastOnce, new MqttSubscriptionOptions { UnsubscribeOnDispose = false });
            await scene.GrantAsync();
            for (ushort i = 1; i <= 100; i++)
            {
                await scene.DeliverAsync(i % 2 == 0 ? "unread" : "left", new string('x', 1000), QualityOfService.AtLeastOnce, i);
                await scene.DeliverAsync("handled", "x");
                await scene.DeliverAsync("unclaimed", "x");
            }

            await scene.NothingMoreAsync();
            await left.DisposeAsync();
            var publishing = Enumerable.Range(0, 5).Select(_ => scene.Client.PublishAsync("a", "x", QualityOfService.ExactlyOnce).AsTask()).ToArray();
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
            await scene.Server.SendBytesAsync(new byte[] { 0x30, 100, 0, 1 });
            await scene.BreakAsync();
            var disposing = scene.Client.DisposeAsync();
            foreach (var task in publishing)
                await FluentActions.Awaiting(() => task.Soon()).Should().ThrowAsync<Exception>();
            await disposing;
        }

        leaks.Verify();
    }

    [Fact]
    public async Task Dropping_the_oldest_holds_no_more_bytes_than_its_bound_even_where_messages_of_QoS_1_stay()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = scene.Client.Subscribe("a", QualityOfService.AtLeastOnce, new MqttSubscriptionOptions { Bytes = 50_000, Overflow = MqttOverflow.DropOldest });
        await scene.GrantAsync();
        var before = BufferPool.RentedBytes;
        for (var i = 0; i < 2000; i++)
        {
            if (i % 20 == 0)
                await scene.DeliverAsync("a", "stays", QualityOfService.AtLeastOnce, (ushort)(i + 1));
            await scene.DeliverAsync("a", new string('x', 10_000));
        }

        await scene.NothingMoreAsync();
        var held = BufferPool.RentedBytes - before;
        scene.Server.Abort();
        held.Should().BeLessThan(500_000, "twice the bound and two blocks, while a hundred blocks have held a message that stays");
        await using var messages = subscription.GetAsyncEnumerator();
        var stayed = 0;
        while (stayed < 100)
            stayed += (await messages.NextAsync()).GetText() == "stays" ? 1 : 0;
    }
}
