namespace Mqtt.Protocol;

/// <summary>
/// CONNECT (section 3.1): protocol name, level, flags, keep-alive, properties; then client identifier, will (properties, topic,
/// payload), user name, password [MQTT-3.1.3-1].
/// </summary>
internal static class ConnectCodec
{
    private const int Bit = 1 << (int)MqttPacketType.Connect;
    private const int Reserved = 0x01;
    private const int CleanStart = 0x02;
    private const int Will = 0x04;
    private const int WillQosShift = 3;
    private const int WillQosMask = 0x18;
    private const int WillRetain = 0x20;
    private const int Password = 0x40;
    private const int UserName = 0x80;
    private const int Bridge = 0x80;

    private static ReadOnlySpan<byte> Name => "MQTT"u8;

    private static ReadOnlySpan<byte> NameOf31 => "MQIsdp"u8;

    /// <summary>
    /// Reads name and level, which decide how the rest is read. Another name belongs to another protocol [MQTT-3.1.2-1];
    /// a level that is not known, or not with this name, is answered with <see cref="ReasonCode.UnsupportedProtocolVersion"/> [MQTT-3.1.2-2].
    /// </summary>
    public static ConnectPacket ReadVersion(ref FrameReader frame)
    {
        var name = frame.ReadBinary().Span;
        var is31 = name.SequenceEqual(NameOf31);
        if (!is31 && !name.SequenceEqual(Name))
            throw MqttProtocolException.Forbidden("The protocol name is not MQTT.");
        var level = frame.ReadByte();
        return (is31, level & ~Bridge) switch
        {
            (true, 3) => new() { Version = MqttProtocolVersion.V310, IsBridge = level >= Bridge },
            (false, 4) => new() { Version = MqttProtocolVersion.V311, IsBridge = level >= Bridge },
            (false, 5) when level == 5 => new() { Version = MqttProtocolVersion.V500 },
            _ => throw new MqttProtocolException(ReasonCode.UnsupportedProtocolVersion, $"The protocol level {level} is not supported."),
        };
    }

    /// <summary>Reads what follows the level into <paramref name="packet"/>.</summary>
    public static void ReadRest(ref FrameReader frame, ConnectPacket packet)
    {
        var flags = frame.ReadByte();
        CheckFlags(flags, packet.Version);
        packet.CleanStart = (flags & CleanStart) != 0;
        packet.KeepAliveSeconds = frame.ReadTwoByteInteger();
        packet.Properties = frame.ReadProperties(Bit);
        packet.ClientId = frame.ReadString();
        if ((flags & Will) != 0)
            packet.Will = ReadWill(ref frame, flags);

        // In 3.1 the flags announce, but the remaining length decides.
        var mayBeMissing = packet.Version == MqttProtocolVersion.V310;
        if ((flags & UserName) != 0 && !(mayBeMissing && frame.Remaining == 0))
            packet.UserName = frame.ReadString();
        if ((flags & Password) != 0 && !(mayBeMissing && frame.Remaining == 0))
            packet.Password = frame.ReadBinary();
    }

    private static void CheckFlags(byte flags, MqttProtocolVersion version)
    {
        if ((flags & Reserved) != 0)
            throw MqttProtocolException.Malformed("The reserved flag of CONNECT is set."); // [MQTT-3.1.2-3]
        if ((flags & WillQosMask) == WillQosMask)
            throw MqttProtocolException.Malformed("The will has QoS 3."); // [MQTT-3.1.2-12]
        if ((flags & Will) == 0 && (flags & (WillQosMask | WillRetain)) != 0)
            throw MqttProtocolException.Malformed("Without a will, its QoS and retain flag must be 0."); // [MQTT-3.1.2-11], [MQTT-3.1.2-13]
        if (version < MqttProtocolVersion.V500 && (flags & (UserName | Password)) == Password)
            throw MqttProtocolException.Malformed("Before 5.0, a password needs a user name."); // 3.1.1: [MQTT-3.1.2-22]
    }

    private static WillMessage ReadWill(ref FrameReader frame, byte flags) => new()
    {
        QualityOfService = (QualityOfService)((flags & WillQosMask) >> WillQosShift),
        Retain = (flags & WillRetain) != 0,
        Properties = frame.ReadProperties(PropertyTable.Will),
        Topic = frame.ReadTopicName(),
        Payload = frame.ReadBinary(),
    };

    /// <summary>Refuses what could not be read back.</summary>
    public static void Check(ConnectPacket packet)
    {
        if (packet.Version is < MqttProtocolVersion.V310 or > MqttProtocolVersion.V500)
            throw new ArgumentException($"There is no protocol level {(int)packet.Version}.", nameof(packet));
        if (packet.IsBridge && packet.Version == MqttProtocolVersion.V500)
            throw new ArgumentException("Bridges name themselves by the level before 5.0 only.", nameof(packet));
        Outgoing.CheckProperties(packet.Properties, Bit, packet.Version);
        Outgoing.CheckString(packet.ClientId, nameof(packet.ClientId));
        if (packet.Will is { } will)
            CheckWill(will, packet.Version);
        if (packet.UserName is { } userName)
            Outgoing.CheckString(userName, nameof(packet.UserName));
        if (packet.Password is { } password)
            CheckPassword(password, packet);
    }

    private static void CheckWill(WillMessage will, MqttProtocolVersion version)
    {
        Outgoing.CheckQualityOfService(will.QualityOfService);
        Outgoing.CheckProperties(will.Properties, PropertyTable.Will, version);
        Outgoing.CheckTopicName(will.Topic, nameof(will.Topic));
        Outgoing.CheckLength(will.Payload, nameof(will.Payload));
    }

    private static void CheckPassword(ReadOnlyMemory<byte> password, ConnectPacket packet)
    {
        if (packet.UserName is null && packet.Version < MqttProtocolVersion.V500)
            throw new ArgumentException("Before 5.0, a password needs a user name.", nameof(packet));
        Outgoing.CheckLength(password, nameof(packet.Password));
    }

    /// <summary>The remaining length.</summary>
    public static long Measure(ConnectPacket packet)
    {
        var length = 2 + (packet.Version == MqttProtocolVersion.V310 ? NameOf31 : Name).Length + 1 + 1 + 2
            + Outgoing.MeasureProperties(packet.Properties, packet.Version)
            + Outgoing.MeasurePrefixed(packet.ClientId);
        if (packet.Will is { } will)
            length += Outgoing.MeasureProperties(will.Properties, packet.Version) + Outgoing.MeasurePrefixed(will.Topic) + Outgoing.MeasurePrefixed(will.Payload);
        if (packet.UserName is { } userName)
            length += Outgoing.MeasurePrefixed(userName);
        if (packet.Password is { } password)
            length += Outgoing.MeasurePrefixed(password);
        return length;
    }

    /// <summary>Writes what follows the fixed header.</summary>
    public static void Write(ref FrameWriter frame, ConnectPacket packet)
    {
        frame.WritePrefixed(packet.Version == MqttProtocolVersion.V310 ? NameOf31 : Name);
        frame.WriteByte((byte)((int)packet.Version | (packet.IsBridge ? Bridge : 0)));
        frame.WriteByte((byte)Flags(packet));
        frame.WriteTwoByteInteger(packet.KeepAliveSeconds);
        frame.WriteProperties(packet.Properties);
        frame.WritePrefixed(packet.ClientId.Span);
        if (packet.Will is { } will)
        {
            frame.WriteProperties(will.Properties);
            frame.WritePrefixed(will.Topic.Span);
            frame.WritePrefixed(will.Payload.Span);
        }

        if (packet.UserName is { } userName)
            frame.WritePrefixed(userName.Span);
        if (packet.Password is { } password)
            frame.WritePrefixed(password.Span);
    }

    private static int Flags(ConnectPacket packet)
    {
        var flags = packet.CleanStart ? CleanStart : 0;
        if (packet.Will is { } will)
            flags |= Will | ((int)will.QualityOfService << WillQosShift) | (will.Retain ? WillRetain : 0);
        if (packet.UserName is not null)
            flags |= UserName;
        if (packet.Password is not null)
            flags |= Password;
        return flags;
    }
}
