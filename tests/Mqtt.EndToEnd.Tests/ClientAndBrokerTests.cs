namespace Mqtt.EndToEnd.Tests;

public class ClientAndBrokerTests
{
    public static readonly MatrixTheoryData<Transport, MqttProtocolVersion, QualityOfService> Everything =
        new(Enum.GetValues<Transport>(), Enum.GetValues<MqttProtocolVersion>(), Enum.GetValues<QualityOfService>());

    public static readonly MatrixTheoryData<Transport, MqttProtocolVersion> Versions = new(Enum.GetValues<Transport>(), Enum.GetValues<MqttProtocolVersion>());

    public static readonly TheoryData<Transport> Transports = new(Enum.GetValues<Transport>());

    public static readonly MatrixTheoryData<Transport, QualityOfService> WithAcknowledgement =
        new(Enum.GetValues<Transport>(), [QualityOfService.AtLeastOnce, QualityOfService.ExactlyOnce]);

    [Theory, MemberData(nameof(Everything))]
    public async Task A_message_arrives_as_it_was_published(Transport transport, MqttProtocolVersion version, QualityOfService qualityOfService)
    {
        await using var town = await Town.BeginAsync(transport);
        var sender = await town.ConnectedAsync("sender", version);
        var receiver = await town.ConnectedAsync("receiver", version);
        await using var subscription = await receiver.SubscribeAsync("plant/+/temperature", qualityOfService);
        (await sender.PublishAsync("plant/7/temperature", "21.5", qualityOfService).Soon()).EnsureSuccess();

        var message = (await subscription.TakeAsync(1))[0];
        (message.Topic.ToString(), message.GetText(), message.QualityOfService, message.Retain).Should().Be(("plant/7/temperature", "21.5", qualityOfService, false));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Versions_understand_each_other(Transport transport, MqttProtocolVersion version)
    {
        await using var town = await Town.BeginAsync(transport);
        var sender = await town.ConnectedAsync("sender", version);
        foreach (var other in Enum.GetValues<MqttProtocolVersion>())
        {
            var receiver = await town.ConnectedAsync($"receiver-{other}", other);
            await using var subscription = await receiver.SubscribeAsync("a/#", QualityOfService.ExactlyOnce);
            await sender.PublishAsync("a/b", "x", QualityOfService.ExactlyOnce).Soon();
            (await subscription.TakeAsync(1))[0].GetText().Should().Be("x");
        }
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task All_properties_arrive(Transport transport)
    {
        await using var town = await Town.BeginAsync(transport);
        var client = await town.ConnectedAsync("client");
        await using var subscription = await client.SubscribeAsync("a", QualityOfService.AtLeastOnce);
        await client.PublishAsync(new MqttMessage("a", "x")
        {
            QualityOfService = QualityOfService.AtLeastOnce,
            IsText = true,
            ContentType = "text/plain",
            ResponseTopic = "answers",
            CorrelationData = new byte[] { 7 },
            UserProperties = [("n", "v")],
        }).Soon();

        var message = (await subscription.TakeAsync(1))[0];
        message.IsText.Should().BeTrue();
        message.ContentType.ToString().Should().Be("text/plain");
        message.ResponseTopic.ToString().Should().Be("answers");
        message.CorrelationData!.Value.ToArray().Should().Equal(7);
        message.UserProperties["n"].ToString().Should().Be("v");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_retained_message_meets_who_subscribes_later(Transport transport, MqttProtocolVersion version)
    {
        await using var town = await Town.BeginAsync(transport);
        var client = await town.ConnectedAsync("client", version);
        await client.PublishAsync("state", "on", QualityOfService.AtLeastOnce, retain: true).Soon();
        await using var subscription = await client.SubscribeAsync("state", QualityOfService.AtLeastOnce);

        var message = (await subscription.TakeAsync(1))[0];
        (message.GetText(), message.Retain).Should().Be(("on", true));
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task A_will_is_published_when_its_client_breaks_off(Transport transport, MqttProtocolVersion version)
    {
        await using var town = await Town.BeginAsync(transport);
        var watcher = await town.ConnectedAsync("watcher", version);
        await using var subscription = await watcher.SubscribeAsync("wills", QualityOfService.AtLeastOnce);
        var mortal = await town.ConnectedAsync("mortal", version, options => options with
        {
            Will = new MqttWill(new MqttMessage("wills", "gone") { QualityOfService = QualityOfService.AtLeastOnce }),
            Reconnect = new() { Enabled = false },
        });
        var told = new TaskCompletionSource();
        mortal.Happened += (_, what) => _ = what is MqttDisconnectedEvent && told.TrySetResult();
        await town.ConnectedAsync("mortal", version); // takes over, and so ends the other connection without a DISCONNECT

        (await subscription.TakeAsync(1))[0].GetText().Should().Be("gone");
        await told.Task.Soon();
        mortal.IsConnected.Should().BeFalse();
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task Who_is_taken_over_is_told_so(Transport transport)
    {
        await using var town = await Town.BeginAsync(transport);
        var first = town.Client("same");
        var told = new TaskCompletionSource<MqttDisconnectCause>();
        first.Happened += (_, what) => _ = what is MqttDisconnectedEvent ended && told.TrySetResult(ended.Cause);
        await first.ConnectAsync().Soon();
        await town.ConnectedAsync("same");

        var cause = await told.Task.Soon();
        (cause.Origin, cause.ReasonCode).Should().Be((MqttDisconnectOrigin.Server, ReasonCode.SessionTakenOver));
        first.State.Should().Be(MqttClientState.Failed, "two of one name must not take each other over for ever");
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task A_server_that_stops_says_so(Transport transport)
    {
        await using var town = await Town.BeginAsync(transport);
        var client = town.Client("client");
        var told = new TaskCompletionSource<MqttDisconnectCause>();
        client.Happened += (_, what) => _ = what is MqttDisconnectedEvent ended && told.TrySetResult(ended.Cause);
        await client.ConnectAsync().Soon();
        await town.StopServerAsync().Soon();

        (await told.Task.Soon()).ReasonCode.Should().Be(ReasonCode.ServerShuttingDown);
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task What_is_published_while_a_client_is_away_waits_for_it_even_if_it_subscribes_before_it_connects(Transport transport, MqttProtocolVersion version)
    {
        await using var town = await Town.BeginAsync(transport);
        var sender = await town.ConnectedAsync("sender", version);
        var away = await town.ConnectedAsync("away", version);
        await away.SubscribeAsync("a/#", QualityOfService.ExactlyOnce);
        await away.DisconnectAsync().Soon();
        for (var i = 0; i < 20; i++)
            await sender.PublishAsync("a/b", $"{i}", i % 2 == 0 ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce).Soon();

        var back = town.Client("away", version);
        await using var subscription = back.Subscribe("a/#", QualityOfService.ExactlyOnce);
        var accepted = await back.ConnectAsync().Soon();
        accepted.SessionPresent.Should().Be(version != MqttProtocolVersion.V310);
        (await subscription.TakeAsync(20)).Select(message => message.GetText()).Should().Equal(Enumerable.Range(0, 20).Select(i => $"{i}"));
    }

    [Theory, MemberData(nameof(Everything))]
    [Spec(V5, "4.2.0-1")]
    [Spec(V311, "7.1.1-1")]
    [Spec(V311, "7.1.2-1")]
    public async Task Many_publishers_at_once_lose_nothing_and_each_keeps_its_order(Transport transport, MqttProtocolVersion version, QualityOfService qualityOfService)
    {
        const int Publishers = 5;
        const int Messages = 200;
        await using var town = await Town.BeginAsync(transport);
        var receiver = await town.ConnectedAsync("receiver", version);
        await using var subscription = await receiver.SubscribeAsync("p/#", qualityOfService);
        var publishing = Enumerable.Range(0, Publishers).Select(publisher => Task.Run(async () =>
        {
            var client = await town.ConnectedAsync($"publisher-{publisher}", version);
            for (var i = 0; i < Messages; i++)
                (await client.PublishAsync($"p/{publisher}", $"{i}", qualityOfService)).EnsureSuccess();
        })).ToArray();
        var messages = await subscription.TakeAsync(Publishers * Messages);
        await Task.WhenAll(publishing).Soon();

        foreach (var ofOne in messages.GroupBy(message => message.Topic.ToString()))
            ofOne.Select(message => message.GetText()).Should().Equal(Enumerable.Range(0, Messages).Select(i => $"{i}"));
    }

    [Theory, MemberData(nameof(Everything))]
    public async Task Two_clients_whose_handlers_answer_each_other_both_make_progress(Transport transport, MqttProtocolVersion version, QualityOfService qualityOfService)
    {
        const int Rounds = 200;
        await using var town = await Town.BeginAsync(transport);
        var one = await town.ConnectedAsync("one", version);
        var other = await town.ConnectedAsync("other", version);
        var done = new TaskCompletionSource();
        await one.SubscribeAsync("to/one", async (message, cancellationToken) =>
        {
            var count = int.Parse(message.GetText());
            if (count == Rounds)
                done.SetResult();
            else
                await one.PublishAsync("to/other", $"{count + 1}", qualityOfService, cancellationToken: cancellationToken);
        }, qualityOfService);
        await other.SubscribeAsync(
            "to/other",
            async (message, cancellationToken) => await other.PublishAsync("to/one", message.Payload, qualityOfService, cancellationToken: cancellationToken),
            qualityOfService);
        await other.PublishAsync("to/one", "0", qualityOfService).Soon();

        await done.Task.Soon();
    }

    [Theory, MemberData(nameof(Transports))]
    public async Task A_message_of_a_megabyte_arrives_whole(Transport transport)
    {
        await using var town = await Town.BeginAsync(transport);
        var client = await town.ConnectedAsync("client");
        await using var subscription = await client.SubscribeAsync("a", QualityOfService.AtLeastOnce);
        var payload = new byte[1_000_000];
        new Random(7).NextBytes(payload);
        (await client.PublishAsync("a", payload, QualityOfService.AtLeastOnce).Soon()).EnsureSuccess();

        (await subscription.TakeAsync(1))[0].Payload.Span.SequenceEqual(payload).Should().BeTrue();
    }

    [Theory, MemberData(nameof(WithAcknowledgement))]
    public async Task A_connection_that_breaks_again_and_again_loses_nothing(Transport transport, QualityOfService qualityOfService)
    {
        const int Messages = 60;
        await using var town = await Town.BeginAsync(transport);
        var receiver = await town.ConnectedAsync("receiver");
        var seen = new List<int>();
        var all = new TaskCompletionSource();
        await using var subscription = await receiver.SubscribeAsync("a", (message, _) =>
        {
            if (message.GetText() == "end")
                all.SetResult();
            else
                seen.Add(int.Parse(message.GetText()));
            return default;
        }, qualityOfService);
        var sender = town.BreakableClient("sender", options => options with { Reconnect = new() { Delay = TimeSpan.FromMilliseconds(1) } });
        var connected = new SemaphoreSlim(0);
        sender.Happened += (_, what) => _ = what is MqttConnectedEvent ? connected.Release() : 0;
        await sender.ConnectAsync().Soon();
        var publishing = new List<Task<MqttPublishResult>>();
        for (var i = 0; i < Messages; i++)
        {
            publishing.Add(sender.PublishAsync("a", $"{i}", qualityOfService).AsTask());
            if (i % 10 != 9)
                continue;
            await connected.WaitAsync().Soon();
            town.LatestChannel!.Abort();
        }

        (await Task.WhenAll(publishing).Soon()).Should().OnlyContain(result => result.IsSuccess);
        await sender.PublishAsync("a", "end", qualityOfService).Soon();
        await all.Task.Soon();
        seen.Distinct().Should().Equal(Enumerable.Range(0, Messages));
        if (qualityOfService == QualityOfService.ExactlyOnce)
            seen.Should().OnlyHaveUniqueItems();
    }
}
