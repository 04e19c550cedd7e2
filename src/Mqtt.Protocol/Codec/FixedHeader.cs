namespace Mqtt.Protocol;

/// <summary>
/// The first two to five bytes of every packet (section 2.1): type and flags, then the remaining length. What these bytes show
/// to be wrong is refused at once, however little of the packet has arrived.
/// </summary>
internal readonly record struct FixedHeader
{
    /// <summary>The most bytes that a fixed header has.</summary>
    public const int MaximumLength = 5;

    private readonly byte first;

    private FixedHeader(byte first, int length, int remainingLength)
    {
        this.first = first;
        Length = length;
        RemainingLength = remainingLength;
    }

    /// <summary>The packet type.</summary>
    public MqttPacketType Type => (MqttPacketType)(first >> 4);

    /// <summary>The four flags.</summary>
    public byte Flags => (byte)(first & 0x0F);

    /// <summary>The length of the fixed header itself, 2 to 5 bytes.</summary>
    public int Length { get; }

    /// <summary>What follows the fixed header, in bytes.</summary>
    public int RemainingLength { get; }

    /// <summary>The whole packet, in bytes.</summary>
    public int PacketLength => Length + RemainingLength;

    /// <summary>
    /// Reads a fixed header; false if more bytes are needed. The remaining length must be as short as it can be in every version,
    /// though only 5.0 says so [MQTT-1.5.5-1]: a frame may be relayed as it came, to a reader that insists.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, MqttProtocolVersion version, MqttSender sender, out FixedHeader header)
    {
        header = default;
        if (bytes.IsEmpty)
            return false;
        var first = bytes[0];
        CheckTypeAndFlags(first, version, sender);
        var length = VariableByteInteger.Read(bytes[1..], out var remainingLength);
        if (length < 0)
            throw MqttProtocolException.Malformed("The remaining length is longer than four bytes or than it needs to be.");
        if (length == 0)
            return false;
        header = new FixedHeader(first, 1 + length, (int)remainingLength);
        return true;
    }

    private static void CheckTypeAndFlags(byte first, MqttProtocolVersion version, MqttSender sender)
    {
        var type = (MqttPacketType)(first >> 4);
        if (type == 0 || (type == MqttPacketType.Auth && version < MqttProtocolVersion.V500))
            throw MqttProtocolException.Malformed($"There is no packet type {(int)type} in this version.");
        if (!AreFlagsValid(type, first & 0x0F, version))
            throw MqttProtocolException.Malformed($"The flags 0x{first & 0x0F:X} of {type} are not valid.");
        if ((SendersOf(type, version) & sender) == 0)
            throw MqttProtocolException.Forbidden($"{type} is not for the {sender} to send.");
    }

    // [MQTT-2.1.3-1] (3.1.1: [MQTT-2.2.2-1], [MQTT-2.2.2-2]): flags that mean nothing have the one value of the table.
    private static bool AreFlagsValid(MqttPacketType type, int flags, MqttProtocolVersion version) => type switch
    {
        MqttPacketType.Publish => PublishCodec.AreFlagsValid(flags),
        MqttPacketType.PubRel or MqttPacketType.Subscribe or MqttPacketType.Unsubscribe =>
            flags == 0x02 || (flags == 0x0A && version == MqttProtocolVersion.V310), // 3.1 sets DUP when it sends these again
        _ => flags == 0,
    };

    private static MqttSender SendersOf(MqttPacketType type, MqttProtocolVersion version) => type switch
    {
        MqttPacketType.Connect or MqttPacketType.Subscribe or MqttPacketType.Unsubscribe or MqttPacketType.PingReq => MqttSender.Client,
        MqttPacketType.ConnAck or MqttPacketType.SubAck or MqttPacketType.UnsubAck or MqttPacketType.PingResp => MqttSender.Server,
        MqttPacketType.Disconnect when version < MqttProtocolVersion.V500 => MqttSender.Client,
        _ => MqttSender.Either,
    };
}
