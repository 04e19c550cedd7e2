namespace Mqtt.Protocol;

/// <summary>
/// CONNECT: the first packet of a client (section 3.1). Wire: protocol name, level, flags, keep-alive, properties; then client
/// identifier, will (properties, topic, payload), user name, password.
/// </summary>
public sealed class ConnectPacket : MqttPacket
{
    /// <inheritdoc/>
    public override MqttPacketType Type => MqttPacketType.Connect;

    /// <summary>The protocol level that the client speaks. Default: 5.0. A reader leaves the bridge bit 0x80 out of it.</summary>
    public MqttProtocolVersion Version { get; set; } = MqttProtocolVersion.V500;

    /// <summary>True if the level carries the bit 0x80 by which bridges of 3.x name themselves. Default: false.</summary>
    public bool IsBridge { get; set; }

    /// <summary>The client identifier; empty asks the server for one. Default: empty.</summary>
    public MqttString ClientId { get; set; }

    /// <summary>Start with a new session, and discard an old one (3.x: CleanSession, which also ends the session with the connection). Default: true.</summary>
    public bool CleanStart { get; set; } = true;

    /// <summary>The longest pause between two packets of the client, in seconds; 0 turns the check off. Default: 60.</summary>
    public ushort KeepAliveSeconds { get; set; } = 60;

    /// <summary>The message that the server publishes if the connection ends without a DISCONNECT. Default: none.</summary>
    public WillMessage? Will { get; set; }

    /// <summary>The user name. Default: none.</summary>
    public MqttString? UserName { get; set; }

    /// <summary>The password, any bytes. Default: none. In 3.x it needs a user name.</summary>
    public ReadOnlyMemory<byte>? Password { get; set; }

    /// <summary>How long the session outlives the connection, in seconds; 0xFFFFFFFF means for ever (5.0). Default: absent, which is 0.</summary>
    public uint? SessionExpiryInterval
    {
        get => Properties.GetNumber(PropertyId.SessionExpiryInterval);
        set => Properties = Properties.With(PropertyId.SessionExpiryInterval, value);
    }

    /// <summary>How many QoS 1 and 2 messages the client takes at once (5.0). Default: absent, which is 65,535.</summary>
    public ushort? ReceiveMaximum
    {
        get => Properties.GetShort(PropertyId.ReceiveMaximum);
        set => Properties = Properties.With(PropertyId.ReceiveMaximum, value);
    }

    /// <summary>The largest packet that the client accepts, in bytes (5.0). Default: absent, no limit.</summary>
    public uint? MaximumPacketSize
    {
        get => Properties.GetNumber(PropertyId.MaximumPacketSize);
        set => Properties = Properties.With(PropertyId.MaximumPacketSize, value);
    }

    /// <summary>The highest topic alias that the client accepts (5.0). Default: absent, which is 0: none.</summary>
    public ushort? TopicAliasMaximum
    {
        get => Properties.GetShort(PropertyId.TopicAliasMaximum);
        set => Properties = Properties.With(PropertyId.TopicAliasMaximum, value);
    }

    /// <summary>Asks for Response Information in CONNACK (5.0). Default: absent, which is false.</summary>
    public bool? RequestResponseInformation
    {
        get => Properties.GetFlag(PropertyId.RequestResponseInformation);
        set => Properties = Properties.With(PropertyId.RequestResponseInformation, value is { } flag ? flag ? 1u : 0u : null);
    }

    /// <summary>Allows reason strings and user properties on every packet (5.0). Default: absent, which is true.</summary>
    public bool? RequestProblemInformation
    {
        get => Properties.GetFlag(PropertyId.RequestProblemInformation);
        set => Properties = Properties.With(PropertyId.RequestProblemInformation, value is { } flag ? flag ? 1u : 0u : null);
    }

    /// <summary>The authentication method (5.0, section 4.12). Default: none.</summary>
    public MqttString? AuthenticationMethod
    {
        get => Properties.GetString(PropertyId.AuthenticationMethod);
        set => Properties = Properties.With(PropertyId.AuthenticationMethod, value);
    }

    /// <summary>The authentication data (5.0, section 4.12). Default: none.</summary>
    public ReadOnlyMemory<byte>? AuthenticationData
    {
        get => Properties.GetBinary(PropertyId.AuthenticationData);
        set => Properties = Properties.With(PropertyId.AuthenticationData, value);
    }
}
