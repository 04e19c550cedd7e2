namespace Mqtt.Broker.Tests;

public abstract class ShutdownTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : ShutdownTests(StoreKind.None);

    public sealed class WithMemoryStore() : ShutdownTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : ShutdownTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V5, "3.14.2-1")]
    [Spec(V5, "3.14.2-2")]
    [Spec(V5, "3.14.4-2")]
    public void A_server_that_stops_tells_its_clients_and_closes(MqttProtocolVersion version)
    {
        var client = Resume("client", version);

        var stopping = BrokerHarness.Quietly(() => Harness.Server.StopAsync());

        if (version == MqttProtocolVersion.V500)
        {
            var goodbye = client.Expect<DisconnectPacket>();
            goodbye.ReasonCode.Should().Be(ReasonCode.ServerShuttingDown);
            goodbye.SessionExpiryInterval.Should().BeNull();
        }

        client.ExpectEnd();
        stopping.IsCompleted.Should().BeFalse("the client has not closed its side");
        client.Cut();
        stopping.IsCompletedSuccessfully.Should().BeTrue();
    }

    [Theory, Versions]
    public void A_client_that_does_not_close_its_side_is_cut_after_a_while(MqttProtocolVersion version)
    {
        Connect("client", version);
        var stopping = BrokerHarness.Quietly(() => Harness.Server.StopAsync());

        Advance(1.8);
        stopping.IsCompleted.Should().BeFalse();
        Advance(0.4);

        stopping.IsCompletedSuccessfully.Should().BeTrue();
    }

    [Theory, Versions]
    public void What_was_appended_before_the_stop_is_still_sent(MqttProtocolVersion version)
    {
        var subscriber = Connect("subscriber", version);
        subscriber.Subscribe("t", QoS1);
        Connect("publisher").SendPublish("t", "last", QoS1);
        Run();

        var stopping = BrokerHarness.Quietly(() => Harness.Server.StopAsync());

        subscriber.Expect<PublishPacket>();
        subscriber.ExpectGoodbye(ReasonCode.ServerShuttingDown);
        Harness.Finish(stopping);
    }

    [Fact]
    [Spec(V5, "3.14.0-1")]
    public void A_connection_that_was_not_accepted_yet_is_closed_without_DISCONNECT()
    {
        var client = Open();

        Harness.Stop();

        client.ExpectEnd();
    }

    [Fact]
    public void Several_servers_may_share_one_broker()
    {
        var listener = new MemoryListener(Harness.Pump);
        var second = new MqttServer(Broker, new MqttServerOptions { Addresses = [], Listeners = [listener], TimeProvider = Harness.Time });
        Harness.Finish(() => second.StartAsync());
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("t");

        var other = Harness.Attach(listener);
        other.Connect(new ConnectPacket { ClientId = "other" }).ReasonCode.Should().Be(ReasonCode.Success);
        other.Publish("t", "across");

        subscriber.Receive("t", "across");
        var stopping = BrokerHarness.Quietly(() => second.StopAsync());
        other.ExpectGoodbye(ReasonCode.ServerShuttingDown);
        Harness.Finish(stopping);
        subscriber.ExpectNothing();
    }
}
