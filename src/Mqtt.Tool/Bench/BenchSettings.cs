using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Tool.Clients;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Bench;

/// <summary>The flags of <c>mqtt bench</c>.</summary>
internal sealed class BenchSettings
{
    private readonly TransportSettings transport = new();

    public BenchSettings()
    {
        Flags = new FlagSet
        {
            { "preset", "NAME", $"a run that others have published; flags behind it change it: {string.Join(", ", BenchPresets.Names)}", value => BenchPresets.Apply(value, this) },
            { "clients", 'n', "N", $"clients; for pairs so many pairs, for fanin publishers, for fanout subscribers ({Clients})", value => Clients = Values.Number(value, 1, 1_000_000) },
            { "duration", 'd', "TIME", $"how long to publish, or to hold idle connections ({Values.Show(Duration)})", value => Duration = Values.Duration(value, TimeSpan.FromMilliseconds(1), TimeSpan.FromDays(7)) },
            { "count", 'c', "N", "messages of each publisher, in place of a time", value => Count = (uint)Values.Count(value, 1, uint.MaxValue) },
            { "qos", 'q', "QOS", "quality of service of the messages: 0, 1 or 2 (0)", value => QualityOfService = ClientSettings.Quality(value) },
            { "sub-qos", "QOS", "quality of service of the subscriptions (that of the messages)", value => subscribed = ClientSettings.Quality(value) },
            { "size", 's', "SIZE", $"bytes of a payload, {MessageStamp.Bytes} at least ({PayloadBytes})", value => PayloadBytes = (int)Values.Size(value, MessageStamp.Bytes, 256 * 1024 * 1024) },
            { "rate", 'r', "N", "messages a second of all publishers together (as fast as the receivers take them)", value => Rate = Values.Number(value, 1, int.MaxValue) },
            { "window", 'w', "N", $"messages of a publisher that may be on their way to the receivers, or off ({Window})", value => Window = Values.NumberOrOff(value, 1, int.MaxValue) ?? 0 },
            { "max-inflight", 'M', "N", $"messages of a publisher that may be unacknowledged ({InFlight})", value => InFlight = Values.Number(value, 1, ushort.MaxValue) },
            { "filters", "N", $"subscriptions of each client of 'sub' ({Filters})", value => Filters = Values.Number(value, 1, 1_000_000) },
            { "ramp", "N", "connections a second (as fast as they are accepted)", value => Ramp = Values.Number(value, 1, int.MaxValue) },
            { "retain", "retain the messages", () => Retain = true },
            { "topic", 't', "TOPIC", $"the topics are this one and a number ({Topic})", value => Topic = MqttTopic.IsValidName(((MqttString)value).Span) ? value : throw new FormatException("a topic is expected") },
            { "username", 'u', "NAME", "user name", value => userName = value },
            { "pw", 'P', "PASSWORD", "password", value => password = value },
            { "protocol-version", 'V', "VERSION", "version of MQTT: 31, 311 or 5 (5)", value => Version = ClientSettings.Version(value) },
            { "pid", "PID", "process of the server: its processor time is shown (Linux)", value => ServerProcess = Values.Number(value, 1, int.MaxValue) },
            { "json", "print one JSON object", () => Format = BenchFormat.Json },
            { "csv", "print CSV: a line of names and a line of values", () => Format = BenchFormat.Csv },
            { "quiet", "show no progress", () => IsQuiet = true },
        };
        transport.AddTo(Flags);
    }

    public FlagSet Flags { get; }

    public BenchShape Shape { get; set; }

    public int Clients { get; set; } = 1;

    public TimeSpan Duration { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Messages of each publisher; 0 for as many as the time allows.</summary>
    public uint Count { get; set; }

    public QualityOfService QualityOfService { get; set; }

    public QualityOfService SubscribedQualityOfService => subscribed ?? QualityOfService;

    public int PayloadBytes { get; set; } = 64;

    /// <summary>Messages a second; 0 for no bound.</summary>
    public int Rate { get; private set; }

    /// <summary>How many messages of a publisher its receivers may not have got yet; 0 for no bound.</summary>
    public int Window { get; set; } = 100;

    public int InFlight { get; set; } = 100;

    public int Filters { get; set; } = 1;

    /// <summary>Connections a second; 0 for no bound.</summary>
    public int Ramp { get; set; }

    public bool Retain { get; private set; }

    public string Topic { get; private set; } = "bench";

    public MqttProtocolVersion Version { get; private set; } = MqttProtocolVersion.V500;

    public int ServerProcess { get; private set; }

    public BenchFormat Format { get; private set; }

    public bool IsQuiet { get; private set; }

    /// <summary>The way to the server, and who comes.</summary>
    public MqttClientOptions ToOptions() => transport.AddTo(new MqttClientOptions
    {
        ProtocolVersion = Version,
        Credentials = userName is null && password is null ? null : new MqttCredentials(userName, password),
    });

    private QualityOfService? subscribed;
    private string? userName;
    private string? password;
}
