using System.Text;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>Clients that live in the broker's process.</summary>
public abstract class InProcessTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : InProcessTests(StoreKind.None);

    public sealed class WithMemoryStore() : InProcessTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : InProcessTests(StoreKind.SlowCommit);

    [Theory]
    [InlineData(QoS0)]
    [InlineData(QoS1)]
    [InlineData(QoS2)]
    public void What_it_publishes_comes_to_who_subscribes(QualityOfService qualityOfService)
    {
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("t", QoS2);
        var client = Join("app");

        var code = Harness.Finish(() => client.PublishAsync("t", "message", qualityOfService));

        code.Should().Be(ReasonCode.Success);
        subscriber.Receive("t", "message").QualityOfService.Should().Be(qualityOfService);
    }

    [Fact]
    public void It_is_told_that_nobody_subscribes()
    {
        var client = Join("app");

        Harness.Finish(() => client.PublishAsync("t", "message", QoS1)).Should().Be(ReasonCode.NoMatchingSubscribers);
        Harness.Finish(() => client.PublishAsync("t", "message", QoS2)).Should().Be(ReasonCode.NoMatchingSubscribers);
    }

    [Fact]
    public void Its_publish_completes_only_when_the_message_is_safe()
    {
        var subscriber = Resume("subscriber");
        subscriber.Subscribe("t", QoS1);
        var client = Join("app");
        Harness.CommitsWhenIdle = false;

        var publishing = BrokerHarness.Quietly(() => client.PublishAsync("t", "message", QoS1).AsTask());
        Run();
        publishing.IsCompleted.Should().Be(!HasSlowCommits);
        Harness.CommitsWhenIdle = true;
        Run();

        publishing.IsCompletedSuccessfully.Should().BeTrue();
    }

    [Fact]
    public void More_publishes_than_its_window_all_arrive_in_order()
    {
        WithBroker = options => options with { Limits = options.Limits with { ReceiveMaximum = 3 } };
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("t", QoS1);
        var client = Join("app");

        var publishing = BrokerHarness.Quietly(() => Task.WhenAll(Enumerable.Range(0, 20).Select(i => client.PublishAsync("t", $"{i}", QoS1).AsTask())));
        Harness.Finish(publishing);

        for (var i = 0; i < 20; i++)
            subscriber.Receive("t", $"{i}");
    }

    [Theory]
    [InlineData(QoS0)]
    [InlineData(QoS1)]
    [InlineData(QoS2)]
    public void Its_handler_gets_each_message_once_and_in_order(QualityOfService qualityOfService)
    {
        var client = Join("app");
        var got = new List<string>();
        Harness.Finish(() => client.SubscribeAsync("a/+", (message, _) => Note(got, message), QoS2)).ReasonCode.Should().Be(ReasonCode.GrantedQoS2);
        var publisher = Connect("publisher");

        for (var i = 0; i < 5; i++)
            publisher.Publish("a/b", $"{i}", qualityOfService);

        got.Should().Equal("a/b: 0", "a/b: 1", "a/b: 2", "a/b: 3", "a/b: 4");
    }

    [Fact]
    public void Its_stream_yields_the_messages_and_acknowledges_each_when_the_next_one_is_asked_for()
    {
        var client = Join("app", new() { ReceiveMaximum = 1 });
        var stream = Harness.Finish(() => client.SubscribeAsync("t", QoS1));
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS1);
        publisher.Publish("t", "2", QoS1);
        var reader = stream.GetAsyncEnumerator();

        Harness.Finish(() => reader.MoveNextAsync()).Should().BeTrue();
        Text(reader.Current).Should().Be("t: 1");
        var next = Harness.Finish(() => reader.MoveNextAsync());

        next.Should().BeTrue();
        Text(reader.Current).Should().Be("t: 2");
        Harness.Finish(() => reader.DisposeAsync().AsTask());
    }

    [Fact]
    public void A_message_that_two_of_its_subscriptions_match_comes_to_both()
    {
        var client = Join("app");
        var (wide, narrow) = (new List<string>(), new List<string>());
        Harness.Finish(() => client.SubscribeAsync("#", (message, _) => Note(wide, message), QoS1));
        var narrowOne = Harness.Finish(() => client.SubscribeAsync("t", (message, _) => Note(narrow, message), QoS1));

        Harness.Finish(() => client.PublishAsync("t", "both", QoS1));
        Harness.Finish(() => narrowOne.DisposeAsync().AsTask());
        Harness.Finish(() => client.PublishAsync("t", "one", QoS1));

        wide.Should().Equal("t: both", "t: one");
        narrow.Should().Equal("t: both");
    }

    [Fact]
    public void Its_handler_may_use_the_client()
    {
        var client = Join("app");
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("answer", QoS1);
        Harness.Finish(() => client.SubscribeAsync(
            "question", async (message, stop) => await client.PublishAsync("answer", message.Payload, QoS1, cancellationToken: stop), QoS1));

        Connect("publisher").Publish("question", "42", QoS1);

        subscriber.Receive("answer", "42");
    }

    [Fact]
    public void A_handler_that_throws_is_logged_and_gets_the_next_message()
    {
        var client = Join("app");
        var got = new List<string>();
        Harness.Finish(() => client.SubscribeAsync(
            "t",
            (message, _) => Text(message) == "t: bad" ? throw new InvalidOperationException("Test.") : Note(got, message),
            QoS1));
        var publisher = Connect("publisher");

        publisher.Publish("t", "bad", QoS1);
        publisher.Publish("t", "good", QoS1);

        got.Should().Equal("t: good");
        Harness.Log.Errors.Should().ContainSingle();
        Harness.Log.Clear();
    }

    [Fact]
    public void With_all_rights_it_may_write_what_clients_may_not()
    {
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("$SYS/#", QoS1);
        var client = Join("app");

        var code = Harness.Finish(() => client.PublishAsync("$SYS/app/state", "up", QoS1));

        code.Should().Be(ReasonCode.Success);
        subscriber.Receive("$SYS/app/state", "up");
    }

    [Fact]
    public void With_all_rights_nobody_is_asked_whether_it_may_connect_publish_subscribe_or_leave_a_will()
    {
        var asked = new List<string>();
        var rights = new Asked
        {
            MayPublish = (client, _) => Deny(asked, client),
            MaySubscribe = (client, _) => Deny(asked, client),
            Connect = request => Refuse(asked, request),
        };
        WithBroker = options => options with { Hooks = [new BasicHook(_ => AuthenticationResult.Refused()), rights] };
        var got = new List<string>();

        var client = Join("app", new() { Will = new() { Topic = "t", Payload = "will"u8.ToArray() } });
        Harness.Finish(() => client.SubscribeAsync("t", (message, _) => Note(got, message), QoS1)).ReasonCode.Should().Be(ReasonCode.GrantedQoS1);
        Harness.Finish(() => client.PublishAsync("t", "1", QoS1)).Should().Be(ReasonCode.Success);
        var other = Join("other");
        Harness.Finish(() => other.SubscribeAsync("t", (message, _) => Note(got, message), QoS1));
        Harness.Finish(() => client.DisconnectAsync(ReasonCode.DisconnectWithWillMessage).AsTask());
        Run();

        got.Should().Equal("t: 1", "t: will");
        asked.Should().BeEmpty();
        var refused = () => Join("guest", new() { BypassesRights = false });
        refused.Should().Throw<BrokerRefusedException>().Which.ReasonCode.Should().Be(ReasonCode.NotAuthorized);
    }

    [Fact]
    public void Without_rights_it_is_a_client_as_any_other()
    {
        var client = Join("app", new() { BypassesRights = false });

        Harness.Finish(() => client.PublishAsync("$SYS/app/state", "up", QoS1)).Should().Be(ReasonCode.TopicNameInvalid);
        Harness.Finish(() => client.PublishAsync("$SYS/app/state", "up", QoS2)).Should().Be(ReasonCode.TopicNameInvalid);
    }

    [Fact]
    public void A_client_with_its_name_takes_it_over()
    {
        var client = Join("app");
        var subscription = Harness.Finish(() => client.SubscribeAsync("t"));

        Connect("app");

        client.IsConnected.Should().BeFalse();
        Harness.Finish(() => new ValueTask<ReasonCode>(client.Closed)).Should().Be(ReasonCode.SessionTakenOver);
        Harness.Finish(() => subscription.GetAsyncEnumerator().MoveNextAsync()).Should().BeFalse();
        var publishing = () => Harness.Finish(() => client.PublishAsync("t", "late", QoS1));
        publishing.Should().Throw<MqttConnectionException>();
    }

    [Fact]
    public void What_its_session_has_queued_goes_to_its_next_run()
    {
        var options = new InProcessClientOptions { CleanStart = false, SessionExpiry = TimeSpan.FromHours(1) };
        var first = Join("app", options);
        Harness.Finish(() => first.SubscribeAsync("t", QoS1));
        Harness.Finish(() => first.DisposeAsync().AsTask());
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS1);
        publisher.Publish("t", "2", QoS1);

        var got = new List<string>();
        var second = Join("app", options with { Unclaimed = (message, _) => Note(got, message) });
        Run();

        second.SessionPresent.Should().BeTrue();
        got.Should().Equal("t: 1", "t: 2");
    }

    [Fact]
    public void A_reader_that_does_not_read_costs_only_itself()
    {
        var client = Join("app", new() { QueueCount = 10, ReceiveMaximum = 5 });
        var slow = Harness.Finish(() => client.SubscribeAsync("t", QoS1));
        var other = Connect("other");
        other.Subscribe("t", QoS1);
        var publisher = Connect("publisher");

        for (var i = 0; i < 30; i++)
        {
            publisher.Publish("t", $"{i}");
            publisher.Publish("t", $"{i}", QoS1);
        }

        slow.DroppedCount.Should().Be(20);
        Broker.Statistics.Dropped(DropCause.OutboxFull).Should().Be(20);
        for (var i = 0; i < 60; i++)
            other.Acknowledge(other.Expect<PublishPacket>());
        var reader = slow.GetAsyncEnumerator();
        var texts = new List<(string, QualityOfService)>();
        for (var i = 0; i < 40; i++)
        {
            Harness.Finish(() => reader.MoveNextAsync()).Should().BeTrue();
            texts.Add((Text(reader.Current), reader.Current.QualityOfService));
        }

        texts.Where(text => text.Item2 == QoS1).Select(text => text.Item1).Should().Equal(Enumerable.Range(0, 30).Select(i => $"t: {i}"));
        Harness.Finish(() => reader.DisposeAsync().AsTask());
    }

    [Fact]
    public void It_has_a_will_and_says_goodbye()
    {
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("will");
        WillMessage will = new() { Topic = "will", Payload = "gone"u8.ToArray() };
        var polite = Join("polite", new() { Will = will });
        var rude = Join("rude", new() { Will = will });

        Harness.Finish(() => polite.DisposeAsync().AsTask());
        subscriber.ExpectNothing();
        Harness.Finish(() => rude.DisconnectAsync(ReasonCode.DisconnectWithWillMessage).AsTask());

        subscriber.Receive("will", "gone");
        Broker.SessionCount.Should().Be(1);
    }

    [Fact]
    public void One_without_a_name_is_given_one()
    {
        var client = Join("");

        client.ClientId.Should().NotBeEmpty();
        Broker.SessionCount.Should().Be(1);
    }

    [Fact]
    public void A_filter_that_is_not_well_formed_is_an_error_and_leaves_nothing_behind()
    {
        var client = Join("app");

        var subscribing = () => Harness.Finish(() => client.SubscribeAsync("a/#/b"));

        subscribing.Should().Throw<ArgumentException>();
        Harness.Finish(() => client.PublishAsync("t", "on", QoS1)).Should().Be(ReasonCode.NoMatchingSubscribers);
    }

    private InProcessClient Join(string clientId, InProcessClientOptions? options = null) => Harness.Finish(() => Broker.ConnectAsync(clientId, options));

    private static ValueTask<bool> Deny(List<string> asked, BrokerClient client)
    {
        asked.Add(client.ClientId);
        return new(false);
    }

    private static ValueTask Refuse(List<string> asked, ConnectRequest request)
    {
        asked.Add(request.ClientId);
        request.Refuse(ReasonCode.NotAuthorized);
        return default;
    }

    private static ValueTask Note(List<string> to, PublishPacket message)
    {
        to.Add(Text(message));
        return default;
    }

    private static string Text(PublishPacket message) => $"{message.Topic}: {Encoding.UTF8.GetString(message.Payload.Span)}";
}
