using Mqtt.Server.Broker.Storage;

namespace Mqtt.Broker.Tests;

/// <summary>
/// What every flow test begins with: a broker of its own over the kind of store that the class is derived for. At the end nothing that
/// was rented may be out, and nothing may have been logged that the test did not announce.
/// </summary>
public abstract class BrokerTests : IDisposable
{
    protected const QualityOfService QoS0 = QualityOfService.AtMostOnce;
    protected const QualityOfService QoS1 = QualityOfService.AtLeastOnce;
    protected const QualityOfService QoS2 = QualityOfService.ExactlyOnce;
    protected const uint Hour = 3600;

    private readonly StoreKind store;
    private readonly BufferLeakCheck buffers = new();
    private BrokerHarness? harness;

    private protected BrokerTests(StoreKind store) => this.store = store;

    /// <summary>Options other than the defaults; set them before anything else.</summary>
    private protected Func<MqttBrokerOptions, MqttBrokerOptions>? WithBroker { get; set; }

    /// <inheritdoc cref="WithBroker"/>
    private protected Func<MqttServerOptions, MqttServerOptions>? WithServer { get; set; }

    /// <summary>How many bytes each direction of a connection holds. Default: 4 MiB, more than most tests send.</summary>
    private protected int ConnectionBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>A handler in front of the broker.</summary>
    private protected Func<IMqttHandler, IMqttHandler>? WithMiddleware { get; set; }

    private protected BrokerHarness Harness => harness ??= new BrokerHarness(MakeStore(store), WithBroker, WithServer, WithMiddleware, ConnectionBytes);

    private protected MqttBroker Broker => Harness.Broker;

    private protected bool HasStore => store != StoreKind.None;

    private protected bool HasSlowCommits => store == StoreKind.SlowCommit;

    private protected TestClient Open(MqttProtocolVersion version = MqttProtocolVersion.V500) => Harness.Open(version);

    /// <summary>A client that is connected and begins anew. Its session ends with its connection.</summary>
    private protected TestClient Connect(string clientId, MqttProtocolVersion version = MqttProtocolVersion.V500, Action<ConnectPacket>? with = null) =>
        ConnectAs(new ConnectPacket { Version = version, ClientId = clientId, KeepAliveSeconds = 0 }, with);

    /// <summary>A client that is connected and goes on with its session, which outlives the connection by an hour at least.</summary>
    private protected TestClient Resume(string clientId, MqttProtocolVersion version = MqttProtocolVersion.V500, Action<ConnectPacket>? with = null)
    {
        var packet = new ConnectPacket { Version = version, ClientId = clientId, KeepAliveSeconds = 0, CleanStart = false };
        if (version == MqttProtocolVersion.V500)
            packet.SessionExpiryInterval = Hour;
        return ConnectAs(packet, with);
    }

    private protected void Run() => Harness.Run();

    private protected void Advance(double seconds) => Harness.Advance(TimeSpan.FromSeconds(seconds));

    /// <inheritdoc/>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        Renew();
    }

    /// <summary>Ends the broker, checks that it left nothing behind, and begins the next one with an empty store.</summary>
    private protected void Renew()
    {
        if (harness is null)
            return;
        harness.CommitsWhenIdle = true;
        harness.Dispose();
        harness.Log.Errors.Should().BeEmpty();
        buffers.Verify();
        harness = null;
    }

    private TestClient ConnectAs(ConnectPacket packet, Action<ConnectPacket>? with)
    {
        with?.Invoke(packet);
        var client = Open(packet.Version);
        client.Connect(packet).ReasonCode.Should().Be(ReasonCode.Success);
        return client;
    }

    /// <summary>An empty store of a kind.</summary>
    internal static IBrokerStore? MakeStore(StoreKind store) => store switch
    {
        StoreKind.Memory => new MemoryStore(),
        StoreKind.SlowCommit => new ManualCommitStore(),
        _ => null,
    };
}
