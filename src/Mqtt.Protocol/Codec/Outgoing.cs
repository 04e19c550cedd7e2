namespace Mqtt.Protocol;

/// <summary>
/// What a writer refuses because no reader would take it, and the sizes of common fields. Disallowed code points pass: a reader may
/// have been told to accept them.
/// </summary>
internal static class Outgoing
{
    /// <summary>Two bytes of length and the bytes.</summary>
    public static long MeasurePrefixed(ReadOnlyMemory<byte> value) => 2L + value.Length;

    /// <summary>Two bytes of length and the bytes.</summary>
    public static long MeasurePrefixed(MqttString value) => 2L + value.Length;

    /// <summary>The properties with their length; nothing before 5.0.</summary>
    public static long MeasureProperties(MqttProperties properties, MqttProtocolVersion version)
    {
        if (version < MqttProtocolVersion.V500)
            return 0;
        var length = properties.Encoded.Length;
        return (long)VariableByteInteger.Measure((uint)length) + length;
    }

    /// <summary>Refuses properties that this packet must not carry, where they are written at all.</summary>
    public static void CheckProperties(MqttProperties properties, int packetBit, MqttProtocolVersion version)
    {
        if (version >= MqttProtocolVersion.V500)
            PropertyBlock.CheckForWriting(properties, packetBit);
    }

    /// <summary>Refuses the packet identifier 0.</summary>
    public static void CheckPacketId(ushort packetId)
    {
        if (packetId == 0)
            throw new ArgumentException("The packet identifier must not be 0.", nameof(packetId));
    }

    /// <summary>Refuses a reason code that this packet must not carry.</summary>
    public static void CheckReasonCode(MqttPacketType packet, ReasonCode reasonCode)
    {
        if (!ReasonCodeTable.Allows(packet, reasonCode, MqttSender.Either))
            throw new ArgumentException($"{packet} cannot carry the reason code 0x{(int)reasonCode:X2}.", nameof(reasonCode));
    }

    /// <summary>Refuses a string that is too long or is not UTF-8.</summary>
    public static void CheckString(MqttString value, string field)
    {
        CheckLength(value.Bytes, field);
        if (!Utf8Text.IsValid(value.Span, allowDisallowedCodePoints: true))
            throw new ArgumentException($"The {field} is not well-formed UTF-8 or holds U+0000.", field);
    }

    /// <summary>Refuses a value of more than 65,535 bytes.</summary>
    public static void CheckLength(ReadOnlyMemory<byte> value, string field)
    {
        if (value.Length > ushort.MaxValue)
            throw new ArgumentException($"The {field} has {value.Length} bytes; the most is 65,535.", field);
    }

    /// <summary>Refuses what is no topic name.</summary>
    public static void CheckTopicName(MqttString value, string field)
    {
        if (!MqttTopic.IsValidName(value.Span, allowDisallowedCodePoints: true))
            throw new ArgumentException($"The {field} is no topic name: it is empty, too long, has a wildcard or U+0000, or is not UTF-8.", field);
    }

    /// <summary>Refuses what is no topic filter in this version.</summary>
    public static void CheckTopicFilter(MqttString value, MqttProtocolVersion version, string field)
    {
        if (!MqttTopic.IsValidFilter(value.Span, allowDisallowedCodePoints: true))
            throw new ArgumentException($"The {field} is no topic filter: it is empty, too long, has a wildcard in the wrong place or U+0000, or is not UTF-8.", field);
        if (version >= MqttProtocolVersion.V500 && MqttTopic.IsShared(value.Span) && !MqttTopic.TryParseShared(value.Span, out _, out _))
            throw new ArgumentException($"The {field} begins with $share/ but is no shared subscription.", field);
    }

    /// <summary>Refuses a QoS beyond 2.</summary>
    public static void CheckQualityOfService(QualityOfService value)
    {
        if (value > QualityOfService.ExactlyOnce)
            throw new ArgumentException($"There is no QoS {(int)value}.", nameof(value));
    }
}
