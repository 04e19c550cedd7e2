using System.Collections.Concurrent;
using System.Threading.Channels;
using Polly;
using Polly.Retry;

namespace Mqtt.Client.Tests;

/// <summary>A client, and the servers that it meets: one scripted peer for each connection it makes, over memory, in virtual time.</summary>
public sealed class Scene : IAsyncDisposable
{
    /// <summary>Connects again without a delay.</summary>
    public static readonly MqttClientReconnect AtOnce = new()
    {
        Pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions { Delay = TimeSpan.Zero, MaxRetryAttempts = int.MaxValue }).Build(),
    };

    private readonly BlockingCollection<ScriptedPeer> dialled = [];
    private readonly Channel<MqttClientEvent> events = Channel.CreateUnbounded<MqttClientEvent>();
    private readonly List<ScriptedPeer> servers = [];
    private readonly ErrorLog errors = new();

    private Scene(Func<MqttClientOptions, MqttClientOptions>? change, MqttProtocolVersion version, int capacityBytes)
    {
        var options = new MqttClientOptions
        {
            ClientId = "tester",
            ProtocolVersion = version,
            TimeProvider = Time,
            Reconnect = new MqttClientReconnect { Enabled = false },
            LoggerFactory = errors,
            ConnectChannel = _ => new(Dial(version, capacityBytes)),
        };
        Client = new MqttClient(change?.Invoke(options) ?? options);
        Client.Happened += OnHappened;
    }

    public MqttClient Client { get; }

    public VirtualTime Time { get; } = new();

    /// <summary>The server of the latest connection.</summary>
    public ScriptedPeer Server => servers[^1];

    /// <summary>The first cause of which the client told since <see cref="ConnectAsync"/>.</summary>
    public TaskCompletionSource<MqttDisconnectCause> Ended { get; private set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public static Scene Begin(
        Func<MqttClientOptions, MqttClientOptions>? change = null, MqttProtocolVersion version = MqttProtocolVersion.V500, int capacityBytes = 64 * 1024) =>
        new(change, version, capacityBytes);

    /// <summary>A client that is connected; the server said nothing but success.</summary>
    public static async Task<Scene> ConnectedAsync(
        Func<MqttClientOptions, MqttClientOptions>? change = null, MqttProtocolVersion version = MqttProtocolVersion.V500, ConnAckPacket? answer = null)
    {
        var scene = Begin(change, version);
        await scene.ConnectAsync(answer);
        return scene;
    }

    /// <summary>Lets the client connect, and the server answer.</summary>
    public async Task<MqttConnectResult> ConnectAsync(ConnAckPacket? answer = null)
    {
        Ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var connecting = Client.ConnectAsync().AsTask();
        await Dialled().AcceptAsync(answer);
        return await connecting;
    }

    /// <summary>The server of a connection that the client has begun, or is about to.</summary>
    public ScriptedPeer Dialled()
    {
        dialled.TryTake(out var server, TimeSpan.FromSeconds(10)).Should().BeTrue("the client dials");
        servers.Add(server!);
        return server!;
    }

    /// <summary>True if the client has begun a connection that the test has not looked at.</summary>
    public bool HasDialled => dialled.Count > 0;

    /// <summary>The next thing that has happened to the client, which must be this.</summary>
    public async Task<T> HappenedAsync<T>()
        where T : MqttClientEvent
    {
        var what = (await events.Reader.ReadAsync().Soon()).Should().BeOfType<T>().Subject;
        if (what is MqttGaveUpEvent)
            (await ErrorAsync()).Should().Contain("given up");
        return what;
    }

    /// <summary>Moves the time to the client's next attempt.</summary>
    public async Task WaitForRetryAsync(TimeSpan? delay)
    {
        await Time.TimerWithinAsync(delay!.Value).Soon();
        Time.Advance(delay.Value);
    }

    /// <summary>The server breaks the connection off, and the client has noticed.</summary>
    public async Task<MqttDisconnectCause> BreakAsync()
    {
        Server.Abort();
        return await Ended.Task.Soon();
    }

    /// <summary>The client disconnects, and the server lets it go.</summary>
    public async Task DisconnectAsync()
    {
        var disconnecting = Client.DisconnectAsync().AsTask();
        await Server.ExpectAsync<DisconnectPacket>();
        Server.CompleteWriting();
        await disconnecting.Soon();
    }

    /// <summary>Waits until the client has told of the end of a connection that is brought about.</summary>
    public async Task<MqttDisconnectCause> EndedAfterAsync(Action action)
    {
        action();
        return await Ended.Task.Soon();
    }

    /// <summary>A stream to which the server has said yes.</summary>
    public async Task<MqttSubscription> SubscribedAsync(string filter)
    {
        var subscription = Client.Subscribe(filter, QualityOfService.ExactlyOnce);
        await GrantAsync();
        return subscription;
    }

    /// <summary>A handler to which the server has said yes.</summary>
    public Task<MqttSubscription> SubscribedAsync(string filter, Action<MqttMessage, CancellationToken> handler) => SubscribedAsync(filter, (message, cancellationToken) =>
    {
        handler(message, cancellationToken);
        return Task.CompletedTask;
    });

    /// <summary>A handler to which the server has said yes.</summary>
    public async Task<MqttSubscription> SubscribedAsync(string filter, Func<MqttMessage, CancellationToken, Task> handler)
    {
        var subscription = Client.Subscribe(filter, (message, cancellationToken) => new ValueTask(handler(message, cancellationToken)), QualityOfService.ExactlyOnce);
        await GrantAsync();
        return subscription;
    }

    /// <summary>The server says yes to the SUBSCRIBE that is under way; returns its subscription identifier.</summary>
    public async Task<uint?> GrantAsync()
    {
        var packet = await Server.ExpectAsync<SubscribePacket>();
        await Server.SendAsync(new SubAckPacket { PacketId = packet.PacketId, ReasonCodes = [.. packet.Subscriptions.Select(wanted => (ReasonCode)wanted.QualityOfService)] });
        return packet.SubscriptionIdentifier;
    }

    /// <summary>The server sends a message, without a subscription identifier unless one is given.</summary>
    public async Task DeliverAsync(
        string topic, string payload, QualityOfService qualityOfService = QualityOfService.AtMostOnce, ushort packetId = 0, bool duplicate = false, uint? identifier = null)
    {
        var packet = new PublishPacket
        {
            Topic = topic,
            Payload = System.Text.Encoding.UTF8.GetBytes(payload),
            QualityOfService = qualityOfService,
            PacketId = packetId,
            Duplicate = duplicate,
        };
        if (identifier is { } value)
            packet.AddSubscriptionIdentifier(value);
        await Server.SendAsync(packet);
    }

    /// <summary>The client has read and answered all that was sent to it before: it answers a PUBREL that nothing belongs to, and nothing else may come.</summary>
    public async Task NothingMoreAsync()
    {
        await Server.SendAsync(new PubRelPacket { PacketId = 65_000 });
        var answer = await Server.ExpectAsync<PubCompPacket>();
        answer.PacketId.Should().Be(65_000);
    }

    /// <summary>The next error that is logged, which the test expects.</summary>
    public Task<string> ErrorAsync() => errors.NextAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers)
            server.Abort();
        await Client.DisposeAsync();
        while (dialled.TryTake(out var unseen))
            servers.Add(unseen);
        foreach (var server in servers)
            await server.DisposeAsync();
        errors.TakeAll().Should().BeEmpty("no error is logged that the test does not expect");
    }

    private void OnHappened(object? sender, MqttClientEvent what)
    {
        if (what is MqttDisconnectedEvent ended)
            Ended.TrySetResult(ended.Cause);
        events.Writer.TryWrite(what);
    }

    private MemoryChannel Dial(MqttProtocolVersion version, int capacityBytes)
    {
        var (ours, theirs) = MemoryChannel.CreatePair(capacityBytes: capacityBytes);
        dialled.Add(new ScriptedPeer(theirs, MqttSender.Server, version));
        return ours;
    }
}
