namespace Mqtt.Broker.Tests;

public abstract class KeepAliveTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : KeepAliveTests(StoreKind.None);

    public sealed class WithMemoryStore() : KeepAliveTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : KeepAliveTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "3.1.2-24")]
    [Spec(V5, "3.1.2-22")]
    [Spec(V5, "3.2.2-22")]
    public void A_client_that_is_silent_for_one_and_a_half_times_its_keep_alive_is_closed_and_not_earlier(MqttProtocolVersion version)
    {
        var client = Connect("client", version, packet => packet.KeepAliveSeconds = 10);

        Advance(15);
        client.ExpectNothing();
        Advance(0.4);

        client.ExpectGoodbye(ReasonCode.KeepAliveTimeout);
    }

    [Theory, Versions]
    [Spec(V311, "3.12.4-1")]
    [Spec(V5, "3.12.4-1")]
    public void A_ping_is_answered_and_keeps_the_connection(MqttProtocolVersion version)
    {
        var client = Connect("client", version, packet => packet.KeepAliveSeconds = 10);

        for (var i = 0; i < 5; i++)
        {
            Advance(14);
            client.Send(new PingReqPacket());
            client.Expect<PingRespPacket>();
        }
    }

    [Theory, Versions]
    public void Every_packet_of_the_client_counts(MqttProtocolVersion version)
    {
        var client = Connect("client", version, packet => packet.KeepAliveSeconds = 10);

        for (var i = 0; i < 5; i++)
        {
            Advance(14);
            client.Publish("t", "message");
        }

        client.ExpectNothing();
    }

    [Theory, Versions]
    public void What_the_client_is_sent_does_not_count(MqttProtocolVersion version)
    {
        var client = Connect("client", version, packet => packet.KeepAliveSeconds = 10);
        client.Subscribe("t");
        var publisher = Connect("publisher");

        Advance(10);
        publisher.Publish("t", "message");
        Advance(5.4);

        client.Receive("t", "message");
        client.ExpectGoodbye(ReasonCode.KeepAliveTimeout);
    }

    [Theory, Versions]
    public void A_keep_alive_of_0_is_no_limit(MqttProtocolVersion version)
    {
        var client = Connect("client", version);

        Advance(Hour);

        client.ExpectNothing();
    }

    [Theory, Versions]
    public void The_longest_keep_alive_is_kept(MqttProtocolVersion version)
    {
        var client = Connect("client", version, packet => packet.KeepAliveSeconds = ushort.MaxValue);

        Advance(Hour);

        client.ExpectNothing();
    }
}
