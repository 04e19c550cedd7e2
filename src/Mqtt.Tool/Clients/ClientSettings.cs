using System.Text;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Clients;

/// <summary>What <c>mqtt pub</c> and <c>mqtt sub</c> have in common: the way to the server, who the client is, its session and its will. Names and letters are mosquitto's.</summary>
internal sealed class ClientSettings
{
    private readonly TransportSettings transport = new();
    private string? clientId;
    private string? userName;
    private string? password;
    private MqttProtocolVersion version = MqttProtocolVersion.V500;
    private int keepAlive = 60;
    private TimeSpan? expiry;
    private string? willTopic;
    private byte[] willPayload = [];
    private QualityOfService willQuality;
    private bool willRetain;

    /// <summary>Adds the flags to those of a command.</summary>
    /// <param name="flags">The command's own flags.</param>
    /// <param name="addTopic">Takes the topic of a URL.</param>
    public void AddTo(FlagSet flags, Action<string> addTopic)
    {
        transport.AddTo(flags);
        flags.Add("url", 'L', "URL", "server and topic in one: mqtt://[user[:password]@]host[:port]/topic; also mqtts, ws and wss", value => ReadUrl(value, addTopic));
        flags.Add("id", 'i', "ID", "client identifier (a generated one)", value => clientId = value);
        flags.Add("id-prefix", 'I', "PREFIX", "client identifier: the prefix and the process id", value => clientId = $"{value}{Environment.ProcessId}");
        flags.Add("username", 'u', "NAME", "user name", value => userName = value);
        flags.Add("pw", 'P', "PASSWORD", "password", value => password = value);
        flags.Add("protocol-version", 'V', "VERSION", "version of MQTT: 31, 311 or 5; also mqttv31 and so on (5)", value => version = Version(value));
        flags.Add("keepalive", 'k', "SECONDS", $"keep-alive, 0 for none ({keepAlive})", value => keepAlive = Values.Number(value, 0, ushort.MaxValue));
        flags.Add("disable-clean-session", 'c', "resume the session of this id, and let the server keep it", () => KeepsSession = true);
        flags.Add("session-expiry-interval", 'x', "SECONDS", "5.0: how long the server keeps it, -1 for ever (-1 with -c)", value => expiry = Expiry(value));
        flags.Add("will-topic", "TOPIC", "topic of the will", value => willTopic = value);
        flags.Add("will-payload", "TEXT", "payload of the will", value => willPayload = Encoding.UTF8.GetBytes(value));
        flags.Add("will-qos", "QOS", "quality of service of the will (0)", value => willQuality = Quality(value));
        flags.Add("will-retain", "retain the will", () => willRetain = true);
    }

    /// <summary>True if the session may be one that the server has kept, and is to be kept.</summary>
    public bool KeepsSession { get; private set; }

    /// <exception cref="UsageException">The flags do not go together.</exception>
    public MqttClientOptions ToOptions()
    {
        if (KeepsSession && clientId is null)
            throw new UsageException("-c needs a client identifier (-i)");
        if (version != MqttProtocolVersion.V500 && password is not null && userName is null)
            throw new UsageException("before MQTT 5.0 a password needs a user name (-u)");
        if (willTopic is null && (willPayload.Length > 0 || willRetain || willQuality != QualityOfService.AtMostOnce))
            throw new UsageException("a will needs a topic (--will-topic)");
        if (willTopic is not null && !MqttTopic.IsValidName(Encoding.UTF8.GetBytes(willTopic)))
            throw new UsageException($"'{willTopic}' is no topic name");
        return transport.AddTo(new MqttClientOptions
        {
            ClientId = clientId,
            Credentials = userName is null && password is null ? null : new MqttCredentials(userName, password),
            ProtocolVersion = version,
            KeepAlive = TimeSpan.FromSeconds(keepAlive),
            CleanStart = !KeepsSession,
            SessionExpiry = expiry ?? (KeepsSession ? Timeout.InfiniteTimeSpan : TimeSpan.Zero),
            Will = willTopic is null ? null : new MqttWill(new MqttMessage(willTopic, willPayload) { QualityOfService = willQuality, Retain = willRetain }),
        });
    }

    /// <summary>Reads 0, 1 or 2.</summary>
    public static QualityOfService Quality(string text) => (QualityOfService)Values.Number(text, 0, 2);

    /// <summary>Reads a version as mosquitto's programs write it.</summary>
    public static MqttProtocolVersion Version(string text) => text switch
    {
        "31" or "mqttv31" or "3.1" => MqttProtocolVersion.V310,
        "311" or "mqttv311" or "3.1.1" => MqttProtocolVersion.V311,
        "5" or "mqttv5" or "5.0" => MqttProtocolVersion.V500,
        _ => throw new FormatException("31, 311 or 5 is expected"),
    };

    private static TimeSpan Expiry(string text) =>
        text is "-1" or "∞" or "4294967295" ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(Values.Count(text, 0, uint.MaxValue - 1));

    private void ReadUrl(string text, Action<string> addTopic)
    {
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url))
            throw new FormatException("mqtt://host:port/topic is expected");
        transport.Read(url);
        if (url.UserInfo.Split(':', 2) is [{ Length: > 0 } user, .. var rest])
            (userName, password) = (Uri.UnescapeDataString(user), rest is [var secret] ? Uri.UnescapeDataString(secret) : password);
        if (url.AbsolutePath.Length > 1)
            addTopic(Uri.UnescapeDataString(url.AbsolutePath[1..]));
    }
}
