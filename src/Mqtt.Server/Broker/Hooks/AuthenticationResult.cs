using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>What an authentication hook decided. Immutable.</summary>
public sealed record AuthenticationResult
{
    // CONNACK, section 3.2.2.2.
    private static readonly ReasonCode[] Refusals =
    [
        ReasonCode.UnspecifiedError, ReasonCode.MalformedPacket, ReasonCode.ProtocolError, ReasonCode.ImplementationSpecificError,
        ReasonCode.UnsupportedProtocolVersion, ReasonCode.ClientIdentifierNotValid, ReasonCode.BadUserNameOrPassword, ReasonCode.NotAuthorized,
        ReasonCode.ServerUnavailable, ReasonCode.ServerBusy, ReasonCode.Banned, ReasonCode.BadAuthenticationMethod, ReasonCode.TopicNameInvalid,
        ReasonCode.PacketTooLarge, ReasonCode.QuotaExceeded, ReasonCode.PayloadFormatInvalid, ReasonCode.RetainNotSupported,
        ReasonCode.QoSNotSupported, ReasonCode.UseAnotherServer, ReasonCode.ServerMoved, ReasonCode.ConnectionRateExceeded,
    ];

    private AuthenticationResult()
    {
    }

    /// <summary>The client may come in. What else is to hold for it is added by <c>with</c>.</summary>
    public static AuthenticationResult Allowed { get; } = new();

    /// <summary>The client may not come in.</summary>
    /// <param name="reasonCode">A code that CONNACK may carry, 0x80 or above; 3.x clients get the return code of the nearest meaning.</param>
    /// <param name="reasonString">A text for people, for 5.0 clients. Default: none.</param>
    /// <exception cref="ArgumentException">CONNACK cannot carry this code.</exception>
    public static AuthenticationResult Refused(ReasonCode reasonCode = ReasonCode.NotAuthorized, string? reasonString = null) => Array.IndexOf(Refusals, reasonCode) >= 0
        ? new() { ReasonCode = reasonCode, ReasonString = reasonString }
        : throw new ArgumentException($"CONNACK cannot refuse with {reasonCode}.", nameof(reasonCode));

    /// <summary>True if the client may come in.</summary>
    public bool IsAllowed => ReasonCode == ReasonCode.Success;

    /// <summary>Success, or why not.</summary>
    public ReasonCode ReasonCode { get; private init; }

    /// <summary>A text for people, for 5.0 clients. Default: none.</summary>
    public string? ReasonString { get; init; }

    /// <summary>The limits of this client. Default: those of <see cref="MqttBrokerOptions.Limits"/>.</summary>
    public ClientLimits? Limits { get; init; }

    /// <summary>The identifier for a client that asked for one. Default: the broker makes one. Without effect for a client that has its own.</summary>
    public string? AssignedClientId { get; init; }

    /// <summary>Who the client is, in place of the user name of CONNECT; for instance the subject of its certificate. Default: the user name.</summary>
    public string? UserName { get; init; }

    /// <summary>User properties of CONNACK, for 5.0 clients. Default: none.</summary>
    public UserProperties UserProperties { get; init; }

    /// <summary>The response information for a 5.0 client that asks for it. Default: that of <see cref="MqttBrokerOptions.ResponseInformation"/>.</summary>
    public string? ResponseInformation { get; init; }

    /// <summary>Another server that the client shall use, with 0x9C or 0x9D. Default: none.</summary>
    public string? ServerReference { get; init; }

    /// <summary>The last data of an enhanced authentication, for CONNACK or the last AUTH. Default: none.</summary>
    public ReadOnlyMemory<byte>? AuthenticationData { get; init; }
}
