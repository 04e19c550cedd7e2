namespace Mqtt.Broker.Tests;

public abstract class ConnectTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : ConnectTests(StoreKind.None);

    public sealed class WithMemoryStore() : ConnectTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : ConnectTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "3.1.4-4")]
    [Spec(V311, "3.2.0-1")]
    [Spec(V5, "3.1.4-5")]
    [Spec(V5, "3.2.0-1")]
    public void A_client_is_answered_by_one_CONNACK_and_nothing_else(MqttProtocolVersion version)
    {
        var client = Connect("client", version);

        client.Answer.SessionPresent.Should().BeFalse();
        client.ExpectNothing();
    }
}
