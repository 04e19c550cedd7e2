using Polly;

namespace Mqtt.Client;

/// <summary>
/// How a client gets its connection back. The delay before each attempt doubles from <see cref="Delay"/> to <see cref="MaximumDelay"/>; a random half of it
/// is left out, so that the clients of a server that restarts do not all come at once. It begins at <see cref="Delay"/> again after a connection
/// that has lasted longer than the delay before it.
/// </summary>
public sealed record MqttClientReconnect
{
    internal static readonly TimeSpan LongestDelay = TimeSpan.FromDays(1);

    /// <summary>Connect again when the connection is lost. Default: true.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>
    /// Try again also when the first connection cannot be made: <see cref="MqttClient.ConnectAsync"/> then waits until there is one, or a reason
    /// forbids to go on. Default: false, so that a wrong address shows at once.
    /// </summary>
    public bool RetryFirstConnect { get; init; }

    /// <summary>The delay before the first attempt, up to a day. Default: 1 s, as that of Eclipse Paho.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest delay, up to a day. Default: 60 s, about half of what Eclipse Paho waits for at most.</summary>
    public TimeSpan MaximumDelay { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>After how many attempts in a row it gives up; each tries every server once. Default: never.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>
    /// Decides, in place of <see cref="MayRetry"/>, whether to try again after an error. Default: <see cref="MayRetry"/>.
    /// </summary>
    public Func<Exception, bool>? ShouldRetry { get; init; }

    /// <summary>
    /// A pipeline that decides when to try again and how often, in place of <see cref="Delay"/> and <see cref="MaximumDelay"/>. It is executed once for each
    /// connection that is lost: its first call fails with that loss, each further one is an attempt. So it needs a retry strategy. An error after which
    /// there is to be no attempt (<see cref="ShouldRetry"/>, <see cref="MaxAttempts"/>) never reaches it. Default: none.
    /// </summary>
    public ResiliencePipeline? Pipeline { get; init; }

    /// <summary>
    /// The servers to which a server may send this client (section 4.11): <c>host</c>, <c>host:port</c>, or <c>*.domain</c> for every host below it.
    /// The credentials go along. Default: none, and no server reference is followed.
    /// </summary>
    public IReadOnlyList<string> AllowedReferences { get; init; } = [];

    /// <summary>
    /// Whether it makes sense to try again after an error. Not after a refusal that would be the same again: of who we are (0x84 protocol version, 0x85 client
    /// identifier, 0x86 user name or password, 0x87 not authorized, 0x8A banned, 0x8C authentication method, 0x8E taken over by another client of
    /// the same name, 0x9D server moved) or, in CONNACK, of what CONNECT says (0x81, 0x82, 0x90, 0x95, 0x99, 0x9A, 0x9B). Nor after an error of the
    /// program (<see cref="ArgumentException"/>, <see cref="InvalidOperationException"/>, <see cref="NotSupportedException"/>). After everything else, it does.
    /// </summary>
    public static bool MayRetry(Exception error) => error switch
    {
        MqttRefusedException refused => !IsAboutClient(refused.ReasonCode) && !IsAboutConnect(refused.ReasonCode),
        ArgumentException or InvalidOperationException or NotSupportedException => false,
        _ => true,
    };

    internal bool Allows(Exception error) => ShouldRetry?.Invoke(error) ?? MayRetry(error);

    /// <summary>True for a reason that lies in who the client is: it holds as well when it comes with DISCONNECT.</summary>
    internal static bool IsAboutClient(ReasonCode reasonCode) => reasonCode is ReasonCode.UnsupportedProtocolVersion
        or ReasonCode.ClientIdentifierNotValid
        or ReasonCode.BadUserNameOrPassword
        or ReasonCode.NotAuthorized
        or ReasonCode.Banned
        or ReasonCode.BadAuthenticationMethod
        or ReasonCode.SessionTakenOver
        or ReasonCode.ServerMoved;

    private static bool IsAboutConnect(ReasonCode reasonCode) => reasonCode is ReasonCode.MalformedPacket
        or ReasonCode.ProtocolError
        or ReasonCode.TopicNameInvalid
        or ReasonCode.PacketTooLarge
        or ReasonCode.PayloadFormatInvalid
        or ReasonCode.RetainNotSupported
        or ReasonCode.QoSNotSupported;
}
