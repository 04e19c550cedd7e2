using Mqtt.Protocol.Channels;

namespace Mqtt.Broker.Tests;

/// <summary>Thousands of connections, wills or sessions that end in one moment, and clocks that jump.</summary>
public abstract class StormTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : StormTests(StoreKind.None);

    public sealed class WithMemoryStore() : StormTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : StormTests(StoreKind.SlowCommit);

    private const int TakeoverCount = 1000;

    private int ClientCount => HasStore ? 1000 : 10_000;

    [Fact]
    public void Thousands_of_connections_that_are_lost_in_one_moment_end_a_few_at_a_time_and_every_will_comes()
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("will/+", QoS0);
        var channels = Enumerable.Range(0, ClientCount).Select(i => ConnectWithWill($"client{i}", delay: 0)).ToList();
        Run();

        channels.ForEach(channel => BrokerHarness.Quietly<object?>(() =>
        {
            channel.Abort();
            return null;
        }));
        Run();

        ReceiveWills(watcher).Should().BeEquivalentTo(Enumerable.Range(0, ClientCount).Select(i => $"will/client{i}"));
        Broker.SessionCount.Should().Be(1);
    }

    [Fact]
    public void Thousands_of_wills_and_sessions_that_are_due_in_one_second_are_met_within_the_next()
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("will/+", QoS0);
        var channels = Enumerable.Range(0, ClientCount).Select(i => ConnectWithWill($"client{i}", delay: 10, expiry: 20)).ToList();
        Run();
        channels.ForEach(channel => BrokerHarness.Quietly<object?>(() =>
        {
            channel.Abort();
            return null;
        }));
        Run();

        Advance(9.8);
        watcher.ExpectNothing();
        Advance(1.2);
        ReceiveWills(watcher).Should().HaveCount(ClientCount);

        Broker.SessionCount.Should().Be(ClientCount + 1);
        Advance(10);
        Broker.SessionCount.Should().Be(1);
    }

    [Fact]
    public void Thousands_of_takeovers_at_once_put_each_older_connection_out_and_keep_each_session()
    {
        var old = Enumerable.Range(0, TakeoverCount).Select(i => Resume($"client{i}")).ToList();
        var young = old.Select(_ => Open()).ToList();
        for (var i = 0; i < young.Count; i++)
            young[i].Send(new ConnectPacket { ClientId = $"client{i}", CleanStart = false, SessionExpiryInterval = Hour, KeepAliveSeconds = 0 });

        young.ForEach(client => client.Expect<ConnAckPacket>().SessionPresent.Should().BeTrue());
        old.ForEach(client => client.ExpectGoodbye(ReasonCode.SessionTakenOver));
        Broker.SessionCount.Should().Be(TakeoverCount);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public void A_wall_clock_that_jumps_a_day_moves_no_deadline(int days)
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("#", QoS1);
        Resume("sleeper").Subscribe("kept", QoS1);
        Resume("sleeper").Cut();
        var dying = Resume("dying", with: packet => packet.Will = new WillMessage { Topic = "will", DelayInterval = 30 });
        var alive = Connect("alive", with: packet => packet.KeepAliveSeconds = 60);
        Connect("publisher").Publish("kept", "message", QoS1, with: packet => packet.MessageExpiryInterval = 1000);
        watcher.Receive("kept", "message");
        dying.Cut();

        Harness.Time.JumpUtc(TimeSpan.FromDays(days));
        Advance(29);

        watcher.ExpectNothing();
        alive.Send(new PingReqPacket());
        alive.Expect<PingRespPacket>();
        Advance(2);
        watcher.Receive("will", "");
        Broker.SessionCount.Should().Be(5);
        Resume("sleeper").Receive("kept", "message").MessageExpiryInterval.Should().BeInRange(968, 969);
    }

    // On a bare channel: a scripted client each would be slow.
    private MqttChannel ConnectWithWill(string clientId, uint delay, uint expiry = 0)
    {
        var packet = new ConnectPacket { ClientId = clientId, KeepAliveSeconds = 0, Will = new WillMessage { Topic = $"will/{clientId}" } };
        if (expiry > 0)
            packet.SessionExpiryInterval = expiry;
        if (delay > 0)
            packet.Will.DelayInterval = delay;
        var bytes = new byte[MqttPacketWriter.Measure(packet, MqttProtocolVersion.V500)];
        MqttPacketWriter.Write(bytes, packet, MqttProtocolVersion.V500);
        var channel = Harness.Dial();
        BrokerHarness.Quietly(() => channel.WriteAsync(bytes).AsTask()).GetAwaiter().GetResult();
        return channel;
    }

    private List<string> ReceiveWills(TestClient watcher) =>
        [.. Enumerable.Range(0, ClientCount).Select(_ => watcher.Expect<PublishPacket>().Topic.ToString())];
}
