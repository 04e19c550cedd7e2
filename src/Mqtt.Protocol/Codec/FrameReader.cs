using System.Buffers.Binary;

namespace Mqtt.Protocol;

/// <summary>
/// Goes through one packet, or a part of it, from the left to the right and hands out slices. Reading beyond the end means
/// that the packet is malformed.
/// </summary>
internal ref struct FrameReader
{
    private readonly ReadOnlyMemory<byte> frame;
    private readonly ReadOnlySpan<byte> bytes;
    private int position;

    public FrameReader(ReadOnlyMemory<byte> frame, int position, MqttProtocolVersion version, MqttSender sender, bool allowDisallowedCodePoints)
    {
        this.frame = frame;
        bytes = frame.Span;
        this.position = position;
        Version = version;
        Sender = sender;
        AllowDisallowedCodePoints = allowDisallowedCodePoints;
    }

    /// <summary>The version that the packet is written in.</summary>
    public MqttProtocolVersion Version { get; set; }

    /// <summary>Who sent the packet.</summary>
    public readonly MqttSender Sender { get; }

    /// <summary>Whether strings may hold the code points that the standard calls disallowed.</summary>
    public readonly bool AllowDisallowedCodePoints { get; }

    /// <summary>True if packets of this version have properties.</summary>
    public readonly bool HasProperties => Version >= MqttProtocolVersion.V500;

    /// <summary>How many bytes are left.</summary>
    public readonly int Remaining => bytes.Length - position;

    /// <summary>Reads one byte.</summary>
    public byte ReadByte()
    {
        Require(1);
        return bytes[position++];
    }

    /// <summary>Reads a Two Byte Integer (section 1.5.2).</summary>
    public ushort ReadTwoByteInteger()
    {
        Require(2);
        var value = BinaryPrimitives.ReadUInt16BigEndian(bytes[position..]);
        position += 2;
        return value;
    }

    /// <summary>Reads a Four Byte Integer (section 1.5.3).</summary>
    public uint ReadFourByteInteger()
    {
        Require(4);
        var value = BinaryPrimitives.ReadUInt32BigEndian(bytes[position..]);
        position += 4;
        return value;
    }

    /// <summary>Reads a Variable Byte Integer (section 1.5.5).</summary>
    public uint ReadVariableByteInteger()
    {
        var length = VariableByteInteger.Read(bytes[position..], out var value);
        if (length <= 0)
            throw MqttProtocolException.Malformed("A variable byte integer is cut off, longer than four bytes or longer than it needs to be.");
        position += length;
        return value;
    }

    /// <summary>Reads a packet identifier, which is never 0 [MQTT-2.2.1-3] (3.1.1: [MQTT-2.3.1-1]).</summary>
    public ushort ReadPacketId()
    {
        var id = ReadTwoByteInteger();
        return id != 0 ? id : throw MqttProtocolException.Forbidden("A packet identifier is 0.");
    }

    /// <summary>Reads a reason code of 5.0 that the sender may put into this packet; any other is a protocol error.</summary>
    public ReasonCode ReadReasonCode(MqttPacketType packet)
    {
        var code = (ReasonCode)ReadByte();
        if (!ReasonCodeTable.Allows(packet, code, Sender))
            throw MqttProtocolException.Forbidden($"{packet} from the {Sender} cannot carry the reason code 0x{(int)code:X2}.");
        return code;
    }

    /// <summary>Reads Binary Data (section 1.5.6).</summary>
    public ReadOnlyMemory<byte> ReadBinary() => ReadBytes(ReadTwoByteInteger());

    /// <summary>Reads that many bytes.</summary>
    public ReadOnlyMemory<byte> ReadBytes(int length)
    {
        Require(length);
        var value = frame.Slice(position, length);
        position += length;
        return value;
    }

    /// <summary>Reads a UTF-8 Encoded String (section 1.5.4).</summary>
    public MqttString ReadString()
    {
        var text = ReadPrefixed(out var value);
        if (!Utf8Text.IsValid(text, AllowDisallowedCodePoints))
            throw MqttProtocolException.Malformed("A string is not well-formed UTF-8 or holds a character that is not allowed.");
        return value;
    }

    /// <summary>Reads a topic name without wildcards (section 4.7), or the empty string.</summary>
    public MqttString ReadTopicNameOrEmpty()
    {
        var text = ReadPrefixed(out var value);
        if (!text.IsEmpty && !MqttTopic.IsValidName(text, AllowDisallowedCodePoints))
            throw MqttProtocolException.Malformed("A topic name holds a wildcard, is not well-formed UTF-8 or holds a character that is not allowed.");
        return value;
    }

    /// <summary>Reads a topic name of at least one byte [MQTT-4.7.3-1], without wildcards.</summary>
    public MqttString ReadTopicName()
    {
        var value = ReadTopicNameOrEmpty();
        return !value.IsEmpty ? value : throw MqttProtocolException.Malformed("A topic name is empty.");
    }

    /// <summary>
    /// Reads a topic filter (section 4.7). In 5.0 what begins with <c>$share/</c> must be a well-formed shared subscription
    /// [MQTT-4.8.2-1], [MQTT-4.8.2-2]; in 3.x, which knows none, it is left to the server.
    /// </summary>
    public MqttString ReadTopicFilter()
    {
        var text = ReadPrefixed(out var value);
        if (!MqttTopic.IsValidFilter(text, AllowDisallowedCodePoints))
            throw MqttProtocolException.Malformed("A topic filter is empty, has a wildcard in the wrong place, is not well-formed UTF-8 or holds a character that is not allowed.");
        if (HasProperties && MqttTopic.IsShared(text) && !MqttTopic.TryParseShared(text, out _, out _))
            throw MqttProtocolException.Malformed("A shared subscription has no name, a wildcard in its name or no filter.");
        return value;
    }

    /// <summary>Reads the properties of a packet (section 2.2.2); none before 5.0.</summary>
    public MqttProperties ReadProperties(int packetBit) => HasProperties ? PropertyBlock.Read(ref this, packetBit) : default;

    /// <summary>A reader for the next <paramref name="length"/> bytes, with the same version and sender.</summary>
    public FrameReader ReadPart(int length, out ReadOnlyMemory<byte> part)
    {
        part = ReadBytes(length);
        return new(part, 0, Version, Sender, AllowDisallowedCodePoints);
    }

    /// <summary>Skips a string or binary value.</summary>
    public void SkipPrefixed()
    {
        var length = ReadTwoByteInteger();
        Require(length);
        position += length;
    }

    /// <summary>Skips one byte.</summary>
    public void SkipByte()
    {
        Require(1);
        position++;
    }

    /// <summary>Ends the reading; bytes that are left belong to nothing.</summary>
    public readonly void RequireEnd()
    {
        if (Remaining != 0)
            throw MqttProtocolException.Malformed($"The packet is {Remaining} bytes longer than its contents.");
    }

    private ReadOnlySpan<byte> ReadPrefixed(out MqttString value)
    {
        var length = ReadTwoByteInteger();
        Require(length);
        var text = bytes.Slice(position, length);
        value = MqttString.FromUtf8(frame.Slice(position, length));
        position += length;
        return text;
    }

    private readonly void Require(int length)
    {
        if (bytes.Length - position < length)
            throw MqttProtocolException.Malformed("The packet ends inside a field.");
    }
}
