namespace Mqtt.Protocol;

/// <summary>
/// The properties of one packet (section 2.2.2): their length, then identifier and value, once or more often. Checks each against
/// <see cref="PropertyTable"/>; the values stay where they are.
/// </summary>
internal static class PropertyBlock
{
    /// <summary>Reads the block of a packet; <paramref name="packetBit"/> is its bit in the table.</summary>
    public static MqttProperties Read(ref FrameReader frame, int packetBit)
    {
        var length = (int)frame.ReadVariableByteInteger();
        var encoded = default(ReadOnlyMemory<byte>);
        if (length > 0)
            Check(frame.ReadPart(length, out encoded), packetBit);
        else if (PropertyTable.Required(packetBit, 0) != 0)
            throw MissingMethod();
        return new(encoded);
    }

    /// <summary>Refuses properties that no reader would take, whoever sends them; what a writer asks before it writes them.</summary>
    /// <exception cref="ArgumentException">The message says what is wrong.</exception>
    public static void CheckForWriting(MqttProperties properties, int packetBit)
    {
        if (properties.IsEmpty && PropertyTable.Required(packetBit, 0) == 0)
            return;
        try
        {
            Check(new FrameReader(properties.Encoded, 0, MqttProtocolVersion.V500, MqttSender.Either, allowDisallowedCodePoints: true), packetBit);
        }
        catch (MqttProtocolException e)
        {
            throw new ArgumentException(e.Message, nameof(properties), e);
        }
    }

    private static void Check(FrameReader block, int packetBit)
    {
        var present = 0UL;
        while (block.Remaining > 0)
            present |= CheckProperty(ref block, packetBit, present);
        if ((PropertyTable.Required(packetBit, present) & ~present) != 0)
            throw MissingMethod();
    }

    // An identifier that is unknown or not for this packet is malformed (section 2.2.2.2); one from the wrong sender,
    // one too many and a value that is not permitted are protocol errors.
    private static ulong CheckProperty(ref FrameReader block, int packetBit, ulong present)
    {
        var id = block.ReadVariableByteInteger();
        ref readonly var row = ref PropertyTable.Find((byte)Math.Min(id, byte.MaxValue));
        if (!row.Fits(packetBit))
            throw MqttProtocolException.Malformed($"There is no property 0x{id:X2} in this packet.");
        if (!row.MaySend(packetBit, block.Sender))
            throw MqttProtocolException.Forbidden($"{(PropertyId)id} is not for the {block.Sender} to send here.");
        var bit = PropertyTable.Bit((PropertyId)id);
        if ((present & bit) != 0 && !row.MayRepeat(packetBit))
            throw MqttProtocolException.Forbidden($"{(PropertyId)id} appears more than once.");
        CheckValue(ref block, (PropertyId)id, in row);
        return bit;
    }

    private static void CheckValue(ref FrameReader block, PropertyId id, in PropertyTable.Row row)
    {
        switch (row.Type)
        {
            case PropertyType.Byte:
                CheckNumber(block.ReadByte(), id, in row);
                break;
            case PropertyType.TwoByteInteger:
                CheckNumber(block.ReadTwoByteInteger(), id, in row);
                break;
            case PropertyType.FourByteInteger:
                CheckNumber(block.ReadFourByteInteger(), id, in row);
                break;
            case PropertyType.VariableByteInteger:
                CheckNumber(block.ReadVariableByteInteger(), id, in row);
                break;
            case PropertyType.String when row.IsTopic:
                block.ReadTopicName();
                break;
            case PropertyType.String:
                block.ReadString();
                break;
            case PropertyType.StringPair:
                block.ReadString();
                block.ReadString();
                break;
            default:
                block.SkipPrefixed();
                break;
        }
    }

    private static void CheckNumber(uint value, PropertyId id, in PropertyTable.Row row)
    {
        if (value < row.Minimum || value > row.Maximum)
            throw new MqttProtocolException(row.Refusal, $"{id} must not be {value}.");
    }

    private static MqttProtocolException MissingMethod() => MqttProtocolException.Forbidden("The authentication method is missing.");
}
