using Mqtt.Server;
using Mqtt.Server.Broker;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Serve;

/// <summary>What the flags of <c>mqtt serve</c> say. Defaults are those of the libraries, so that the help cannot tell anything else.</summary>
internal sealed class ServeSettings
{
    private const int DefaultPort = 1883;
    private const int LargestPacketBytes = 268_435_460;

    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Year = TimeSpan.FromDays(365);

    private readonly List<string> listen = [];
    private readonly List<string> origins = [];
    private int? port;
    private string? host;
    private MqttServerTls tls = new();
    private MqttServerWebSocket webSocket = new();
    private MqttServerOptions server = new();
    private MqttConnectionLimits limits = new();

    public ServeSettings() => Flags = new FlagSet
    {
        { "port", 'p', "PORT", $"port to listen on; 0 takes a free one ({DefaultPort})", value => port = Values.Number(value, 0, ushort.MaxValue) },
        { "host", "HOST", "host to listen on: a name, 0.0.0.0, :: (localhost: loopback, IPv4 and IPv6)", value => host = value },
        { "listen", "ADDRESS", "address to listen on, mqtt:// or mqtts://host:port, ws:// or wss://host:port/path; may be repeated", listen.Add },
        { "cert", "FILE", "certificate for mqtts and wss, with the chain: PEM, or PFX with the key", value => tls = tls with { CertificateFile = value } },
        { "key", "FILE", "private key of the certificate: PEM", value => tls = tls with { KeyFile = value } },
        { "ws-origin", "ORIGIN", "whose pages may connect by ws and wss, https://host; may be repeated (every origin)", origins.Add },
        { "ws-require-subprotocol", "refuse a WebSocket that offers no subprotocol", () => webSocket = webSocket with { RequireSubprotocol = true } },
        { "ws-max-request", "SIZE", $"longest request for a WebSocket ({Values.Show(webSocket.MaximumRequestBytes)})", value => webSocket = webSocket with { MaximumRequestBytes = (int)Values.Size(value, 256, 1024 * 1024) } },
        { "memory", "keep everything in memory; so far that is all there is", () => { } },
        { "verbose", 'v', "log connections to standard error", () => IsVerbose = true },

        { "max-connections", "N", "connections at once, or off (off)", value => server = server with { MaximumConnections = Values.NumberOrOff(value, 1, int.MaxValue) } },
        { "unauthenticated-bytes", "SIZE", $"bytes of all clients before CONNECT is accepted ({Values.Show(server.UnauthenticatedBytes)})", value => server = server with { UnauthenticatedBytes = Values.Size(value, 1, long.MaxValue) } },
        { "memory-bytes", "SIZE", "bytes that connections, queues and retained messages may hold, or off (a quarter of the memory)", SetMemory },
        { "event-loops", "N", $"threads that carry the connections on Linux; 0 takes the runtime's sockets ({server.EventLoops})", value => server = server with { EventLoops = Values.Number(value, 0, 1024) } },
        { "stop-timeout", "TIME", $"how long stopping waits for clients ({Values.Show(server.StopTimeout)})", SetStopTimeout },

        { "max-packet", "SIZE", $"largest packet, or off for the largest of MQTT ({Values.Show(limits.MaximumPacketBytes)})", SetMaximumPacket },
        { "max-connect", "SIZE", $"largest CONNECT, or off ({Values.Show(limits.MaximumConnectBytes)})", value => limits = limits with { MaximumConnectBytes = PacketSize(value) } },
        { "connect-timeout", "TIME", $"time for CONNECT ({Values.Show(limits.ConnectTimeout)})", value => limits = limits with { ConnectTimeout = Values.Duration(value, Millisecond, Year) } },
        { "outbox", "SIZE", $"bytes that may wait for one client, or off ({Values.Show(limits.OutboxBytes)})", value => limits = limits with { OutboxBytes = SizeOrOff(value, 1024) } },
        { "send-timeout", "TIME", $"a client that takes nothing for so long is cut off ({Values.Show(limits.SendTimeout)})", value => limits = limits with { SendTimeout = Values.Duration(value, Millisecond, Year) } },
        { "linger-timeout", "TIME", $"time for a client to read the last packet ({Values.Show(limits.LingerTimeout)})", value => limits = limits with { LingerTimeout = Values.Duration(value, TimeSpan.Zero, Year) } },
        { "allow-disallowed-code-points", "accept control characters and non-characters in strings", () => limits = limits with { AllowDisallowedCodePoints = true } },

        { "receive-maximum", "N", $"QoS 1 and 2 messages at once from one client ({Client.ReceiveMaximum})", value => Client = Client with { ReceiveMaximum = Short(value, 1) } },
        { "inflight", "N", $"QoS 1 and 2 messages at once to one 5.0 client ({Client.InFlightMaximum})", value => Client = Client with { InFlightMaximum = Short(value, 1) } },
        { "inflight3", "N", $"the same for a 3.x client ({Client.InFlightMaximum3})", value => Client = Client with { InFlightMaximum3 = Short(value, 1) } },
        { "topic-alias-maximum", "N", $"topic aliases of one client, or off ({Client.TopicAliasMaximum})", value => Client = Client with { TopicAliasMaximum = Values.IsOff(value) ? 0 : Short(value, 0) } },
        { "outgoing-aliases", "N", $"topic aliases that the broker uses towards one client ({Client.OutgoingTopicAliasMaximum})", value => Client = Client with { OutgoingTopicAliasMaximum = Short(value, 0) } },
        { "max-keep-alive", "TIME", "longest keep-alive of a client, or off (off)", value => Client = Client with { MaximumKeepAlive = Values.IsOff(value) ? null : Values.Duration(value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(ushort.MaxValue)) } },
        { "max-subscriptions", "N", "subscriptions of one client, or off (off)", value => Client = Client with { MaximumSubscriptions = Values.NumberOrOff(value, 0, int.MaxValue) } },
        { "queue-count", "N", $"messages that may wait for one session, or off ({Client.QueueCount})", value => Client = Client with { QueueCount = Values.NumberOrOff(value, 1, int.MaxValue) ?? int.MaxValue } },
        { "queue-bytes", "SIZE", $"bytes that may wait for one session, or off ({Values.Show(Client.QueueBytes)})", value => Client = Client with { QueueBytes = Values.IsOff(value) ? long.MaxValue : Values.Size(value, 0, long.MaxValue) } },
        { "publisher-pause", "TIME", $"how long a publisher waits for a slow subscriber, or off ({Values.Show(Broker.PublisherPause)})", value => Broker = Broker with { PublisherPause = Values.IsOff(value) ? TimeSpan.Zero : Values.Duration(value, TimeSpan.Zero, Year) } },
        { "sys-interval", "TIME", $"how often the broker tells about itself below $SYS, or off ({Values.Show(Broker.SystemInterval)})", value => Broker = Broker with { SystemInterval = Values.IsOff(value) ? TimeSpan.Zero : Values.Duration(value, TimeSpan.Zero, Year) } },
        { "takeovers", "N", $"takeovers of one client id in a minute before newcomers are slowed ({Broker.TakeoversPerMinute})", value => Broker = Broker with { TakeoversPerMinute = Values.Number(value, 0, int.MaxValue) } },
        { "message-expiry", "TIME", "longest time that a message waits or is retained, or off (off)", value => Broker = Broker with { MaximumMessageExpiry = Values.IsOff(value) ? null : Values.Duration(value, TimeSpan.FromSeconds(1), 100 * Year) } },
        { "max-retained", "N", "topics with a retained message, or off (off)", value => Broker = Broker with { MaximumRetained = Values.NumberOrOff(value, 0, int.MaxValue) } },
        { "max-retained-bytes", "SIZE", "bytes of all retained messages, or off (off)", value => Broker = Broker with { MaximumRetainedBytes = Values.IsOff(value) ? null : Values.Size(value, 0, long.MaxValue) } },
        { "retry-interval", "TIMES", "send unacknowledged messages again to 3.x clients after this time, or after 20s,40s,60s and so on, or off (off)", value => Broker = Broker with { RetryIntervals = DurationsOrOff(value) } },
        { "inflight-expiry", "TIME", "give up messages that are not acknowledged for this time, or off (off)", value => Broker = Broker with { InFlightExpiry = DurationOrOff(value) } },
        { "session-expiry", "TIME", $"longest life of a session without its client, or off ({Values.Show(Client.MaximumSessionExpiry!.Value)})", value => Client = Client with { MaximumSessionExpiry = Values.IsOff(value) ? null : Values.Duration(value, TimeSpan.Zero, 100 * Year) } },
    };

    public FlagSet Flags { get; }

    /// <summary>Log what happens, not only what fails.</summary>
    public bool IsVerbose { get; private set; }

    public MqttBrokerOptions Broker { get; private set; } = new();

    // Nothing but one client's share.
    private ClientLimits Client
    {
        get => Broker.Limits;
        set => Broker = Broker with { Limits = value };
    }

    public MqttServerOptions Server => server with
    {
        Addresses = Addresses,
        Limits = limits,
        Tls = tls.CertificateFile is null ? null : tls,
        WebSocket = webSocket with { AllowedOrigins = origins },
    };

    // Whoever lists addresses gets these alone, unless a port or host is given as well.
    private IReadOnlyList<string> Addresses =>
        listen.Count > 0 && port is null && host is null ? listen : [$"mqtt://{Bracketed(host ?? "localhost")}:{port ?? DefaultPort}", .. listen];

    private void SetMaximumPacket(string value)
    {
        var bytes = PacketSize(value);
        limits = limits with { MaximumPacketBytes = bytes };
        Client = Client with { MaximumPacketBytes = bytes };
    }

    private void SetStopTimeout(string value)
    {
        var time = Values.Duration(value, TimeSpan.Zero, Year);
        server = server with { StopTimeout = time };
        Broker = Broker with { StopTimeout = time };
    }

    private void SetMemory(string value)
    {
        var bytes = Values.IsOff(value) ? long.MaxValue : Values.Size(value, 1, long.MaxValue);
        server = server with { MemoryBytes = bytes };
        Broker = Broker with { MemoryBytes = bytes };
    }

    private static int PacketSize(string value) => Values.IsOff(value) ? LargestPacketBytes : (int)Values.Size(value, 16, LargestPacketBytes);

    private static int SizeOrOff(string value, int least) => Values.IsOff(value) ? int.MaxValue : Values.Size(value, least);

    private static TimeSpan? DurationOrOff(string value) => Values.IsOff(value) ? null : Values.Duration(value, Millisecond, Year);

    private static TimeSpan[] DurationsOrOff(string value) =>
        Values.IsOff(value) ? [] : Array.ConvertAll(value.Split(','), one => Values.Duration(one, Millisecond, Year));

    private static int Short(string value, int least) => Values.Number(value, least, ushort.MaxValue);

    private static string Bracketed(string host) => host.Contains(':', StringComparison.Ordinal) && host[0] != '[' ? $"[{host}]" : host;
}
