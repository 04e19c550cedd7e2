using System.Text;
using System.Text.Json;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>What the broker tells about itself, and what it counts for that.</summary>
public abstract class SystemTopicTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : SystemTopicTests(StoreKind.None);

    public sealed class WithMemoryStore() : SystemTopicTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : SystemTopicTests(StoreKind.SlowCommit);

    [Fact]
    public void Every_topic_of_its_peers_is_there_after_the_first_interval()
    {
        Run(Broker);
        Broker.Retained.Page("$SYS/#").Should().BeEmpty();
        Advance(10.1);

        Broker.Retained.Page("$SYS/#", count: 100).Select(message => message.Topic.ToString()["$SYS/broker/".Length..]).Should().BeEquivalentTo(
            "version", "time", "timestamp", "uptime", "started", "load/bytes/received", "load/bytes/sent",
            "clients/connected", "clients/disconnected", "clients/maximum", "clients/total", "connections/total",
            "packets/received", "packets/sent", "messages/received", "messages/sent",
            "messages/publish/received", "messages/publish/sent", "messages/publish/dropped", "messages/dropped", "messages/inflight", "messages/queued",
            "messages/retained/count", "retained", "subscriptions/count", "subscriptions", "system/memory", "system/threads");
    }

    [Fact]
    public void The_numbers_are_right()
    {
        var receiver = Resume("receiver", with: packet => packet.ReceiveMaximum = 1);
        receiver.Subscribe("t", QoS1);
        Resume("away").Disconnect();
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS1);
        publisher.Publish("t", "2", QoS1, retain: true);
        publisher.Publish("nobody", "3");
        Advance(10.1);

        Value("clients/connected").Should().Be("2");
        Value("clients/disconnected").Should().Be("1");
        Value("clients/maximum").Should().Be("2");
        Value("clients/total").Should().Be("3");
        Value("connections/total").Should().Be("3");
        Value("messages/received").Should().Be("3");
        Value("messages/sent").Should().Be("1");
        Value("messages/inflight").Should().Be("1");
        Value("messages/queued").Should().Be("1");
        Value("retained").Should().Be("1");
        Value("subscriptions").Should().Be("1");
        Value("uptime").Should().Be("10");

        // Three CONNECT, SUBSCRIBE, DISCONNECT, three PUBLISH; three CONNACK, SUBACK, two PUBACK, one PUBLISH.
        Value("packets/received").Should().Be("8");
        Value("packets/sent").Should().Be("7");
        Broker.RetainedCount.Should().Be(1);
    }

    [Fact]
    public void They_come_on_the_interval_only_and_are_not_counted_themselves()
    {
        WithBroker = options => options with { SystemInterval = TimeSpan.FromSeconds(30) };
        var reader = Connect("reader");
        reader.Subscribe("$SYS/broker/messages/sent");
        Advance(29.8);
        reader.ExpectNothing();

        Advance(0.3);
        reader.Receive("$SYS/broker/messages/sent", "0").Retain.Should().BeFalse();
        Advance(30);
        reader.Receive("$SYS/broker/messages/sent", "0");

        reader.ExpectNothing();
        Broker.Statistics.Traffic.MessagesSent.Should().Be(0);
    }

    [Fact]
    public void Observers_are_told_each_time_they_have_come()
    {
        var ticks = new Ticks();
        WithBroker = options => options with { Hooks = [ticks] };
        Run(Broker);
        Advance(9.8);
        ticks.Seen.Should().BeEmpty();

        Advance(10.3);

        ticks.Seen.Should().Equal("10", "20");
    }

    [Fact]
    public void Who_may_read_them_is_a_right_as_any_other()
    {
        WithBroker = options => options with { Hooks = [new Asked { MaySubscribe = (client, subscription) => new(client.ClientId == "local" || !subscription.Filter.ToString().StartsWith("$SYS", StringComparison.Ordinal)) }] };
        var (local, other) = (Connect("local"), Connect("other"));
        other.Subscribe("$SYS/#").ReasonCodes.Should().Equal(ReasonCode.NotAuthorized);
        other.Subscribe("#").ReasonCodes.Should().Equal(ReasonCode.Success);
        local.Subscribe("$SYS/broker/uptime").ReasonCodes.Should().Equal(ReasonCode.Success);

        Advance(10.1);

        local.Receive("$SYS/broker/uptime", "10");
        other.ExpectNothing();
    }

    [Fact]
    public void Switched_off_there_are_none()
    {
        WithBroker = options => options with { SystemInterval = TimeSpan.Zero };
        Run(Broker);
        Advance(100);

        Broker.Retained.Count.Should().Be(0);
    }

    [Fact]
    public void They_are_not_stored()
    {
        Run(Broker);
        Advance(11);
        Harness.Restart();

        Broker.Retained.Count.Should().Be(0);
    }

    [Theory, Versions]
    public void What_clients_write_there_is_refused_without_closing(MqttProtocolVersion version)
    {
        var reader = Connect("reader");
        reader.Subscribe("$SYS/#");
        var client = Connect("client", version, packet => packet.Will = new() { Topic = "$SYS/will", Retain = true });

        client.Publish("$SYS/broker/version", "mine", QoS1, retain: true).Should().Be(client.IsV5 ? ReasonCode.TopicNameInvalid : ReasonCode.Success);
        client.Publish("$SYS/x", "mine", QoS0, retain: true);
        client.Send(new PingReqPacket());
        client.Expect<PingRespPacket>();
        client.Cut();

        reader.ExpectNothing();
        Broker.Retained.Count.Should().Be(0);
    }

    [Fact]
    public void Clients_that_come_and_go_are_told_of()
    {
        WithBroker = options => options with { ConnectionNotices = true };
        var reader = Connect("reader");
        reader.Subscribe("$SYS/broker/connection/clients/+");

        var client = Connect("client", with: packet =>
        {
            packet.UserName = "user";
            packet.Password = "secret"u8.ToArray();
        });
        Notice(reader).Should().Be(("client", true));
        client.Cut();
        Notice(reader).Should().Be(("client", false));
        Connect("a/b").Cut();
        Connect("a+").Cut();

        reader.ExpectNothing();
        Broker.Retained.Count.Should().Be(0);
    }

    [Fact]
    public void Sessions_and_their_ends_are_counted_by_cause()
    {
        var client = Connect("client");
        client.Disconnect();
        Resume("kept").Cut();
        Resume("kept").Cut();
        Connect("kept").Cut();
        Resume("removed");
        Harness.Finish(() => Broker.DisconnectAsync("removed", new() { EndSession = true }));
        Advance(3);

        var statistics = Broker.Statistics;
        statistics.SessionsCreated.Should().Be(4);
        statistics.SessionsResumed.Should().Be(1);
        statistics.SessionsEnded(SessionEnd.Disconnected).Should().Be(2);
        statistics.SessionsEnded(SessionEnd.CleanStart).Should().Be(1);
        statistics.SessionsEnded(SessionEnd.Removed).Should().Be(1);
        statistics.Connections.Should().Be(5);
        statistics.Connected.Should().Be(0);
    }

    [Fact]
    public void What_was_counted_survives_a_restart_if_it_shall()
    {
        WithBroker = options => options with { Compatibility = new() { RestoreStatistics = true } };
        Connect("receiver").Subscribe("t", QoS1);
        var publisher = Connect("publisher");
        publisher.Publish("t", "1", QoS2);
        publisher.Publish("t", "2");
        Resume("away").Subscribe("t");
        publisher.Disconnect();
        var before = Broker.Statistics;
        var traffic = before.Traffic;

        Harness.Restart();

        var after = Broker.Statistics;
        after.Connected.Should().Be(0);
        after.Connections.Should().Be(HasStore ? 3 : 0);
        after.MaximumConnected.Should().Be(HasStore ? 3 : 0);
        after.SessionsCreated.Should().Be(HasStore ? 3 : 0);
        after.SessionsEnded(SessionEnd.Disconnected).Should().Be(HasStore ? before.SessionsEnded(SessionEnd.Disconnected) : 0);
        after.Traffic.MessagesReceivedAt(QoS2).Should().Be(HasStore ? 1 : 0);
        after.Traffic.BytesSent.Should().BeInRange(HasStore ? traffic.BytesSent : 0, HasStore ? traffic.BytesSent + 100 : 0, "the goodbyes are counted as well");
        Connect("next").Publish("t", "3");
        Advance(10.1);
        Value("messages/received").Should().Be(HasStore ? "3" : "1");
        Value("uptime").Should().Be("10");
    }

    [Fact]
    public void What_was_counted_up_to_the_last_interval_survives_a_crash()
    {
        if (!HasSlowCommits)
            return;
        WithBroker = options => options with { Compatibility = new() { RestoreStatistics = true } };
        var publisher = Connect("publisher");
        publisher.Publish("t", "1");
        Advance(10.1);
        publisher.Publish("t", "2");

        Harness.Crash();

        Broker.Statistics.Traffic.MessagesReceived.Should().Be(1);
    }

    [Fact]
    public void Each_broker_counts_from_zero_otherwise()
    {
        Connect("client").Publish("t", "1");

        Harness.Restart();

        Broker.Statistics.Connections.Should().Be(0);
        Broker.Statistics.Traffic.MessagesReceived.Should().Be(0);
    }

    [Fact]
    public void Each_client_has_its_own_numbers()
    {
        var (one, two) = (Connect("one"), Connect("two"));
        one.Subscribe("t", QoS2);
        var before = Broker.Clients.Find("one")!.Traffic.BytesSent;

        two.Publish("t", "0");
        two.Publish("t", "1", QoS1);
        two.Publish("t", "2", QoS2);
        one.Receive("t", "0");
        one.Receive("t", "1");
        one.Receive("t", "2");

        var sent = Broker.Clients.Find("one")!.Traffic;
        sent.MessagesSentAt(QoS0).Should().Be(1);
        sent.MessagesSentAt(QoS1).Should().Be(1);
        sent.MessagesSentAt(QoS2).Should().Be(1);
        sent.BytesSent.Should().Be(before + 7 + 9 + 9 + 4);
        var received = Broker.Clients.Find("two")!.Traffic;
        received.MessagesReceived.Should().Be(3);
        received.MessagesReceivedAt(QoS2).Should().Be(1);
        received.PacketsReceived.Should().Be(5);
        received.MessagesSent.Should().Be(0);
    }

    [Fact]
    public void What_waits_and_what_is_under_way_is_counted_until_it_has_ended()
    {
        WithBroker = options => options with { PublisherPause = TimeSpan.Zero, Limits = options.Limits with { QueueCount = 3 } };
        var publisher = Connect("publisher");
        var narrow = Connect("narrow", with: packet => packet.ReceiveMaximum = 1);
        narrow.Subscribe("t", QoS2);
        var away = Resume("away");
        away.Subscribe("t", QoS1);
        away.Cut();
        Resume("ending").Subscribe("t", QoS1);
        for (var i = 0; i < 5; i++)
            publisher.Publish("t", $"{i}", QoS1, with: packet => packet.MessageExpiryInterval = i == 0 ? 5u : 1000);
        Advance(10.1);

        // Under way: one to the narrow one, and all to the one that will end. Both queues are full, that of who is away also with what has expired.
        Value("messages/inflight").Should().Be("6");
        Value("messages/queued").Should().Be("6");

        for (var i = 0; i < 4; i++)
            narrow.Receive("t", $"{i}");
        Connect("ending");
        away = Resume("away");
        away.Receive("t", "1");
        away.Receive("t", "2");
        Advance(10);
        Value("messages/inflight").Should().Be("0");
        Value("messages/queued").Should().Be("0");
    }

    private sealed class Ticks : IBrokerObserver
    {
        public List<string> Seen { get; } = [];

        public ValueTask OnSystemTickAsync(MqttBroker broker)
        {
            Seen.Add(Encoding.UTF8.GetString(broker.Retained.Find("$SYS/broker/uptime")!.Payload.Span));
            return default;
        }
    }

    // The broker of a test is made when it is first asked for.
    private void Run(MqttBroker broker) => broker.Should().NotBeNull();

    private string Value(string topic) => Encoding.UTF8.GetString(Broker.Retained.Find("$SYS/broker/" + topic)!.Payload.Span);

    private static (string, bool) Notice(TestClient reader)
    {
        var message = reader.Expect<PublishPacket>();
        var notice = JsonDocument.Parse(message.Payload).RootElement;
        notice.EnumerateObject().Select(property => property.Name).Should().Equal("clientID", "online", "timestamp");
        message.Topic.ToString().Should().EndWith("/" + notice.GetProperty("clientID").GetString());
        return (notice.GetProperty("clientID").GetString()!, notice.GetProperty("online").GetBoolean());
    }
}
