using System.Buffers;
using System.Buffers.Binary;

namespace Mqtt.Protocol;

/// <summary>Writes single properties: identifier, then the value as the table says.</summary>
internal static class PropertyWriter
{
    /// <summary>Writes a numeric property of any width.</summary>
    public static void Write(IBufferWriter<byte> output, PropertyId id, uint value)
    {
        var span = output.GetSpan(5);
        span[0] = (byte)id;
        var rest = span[1..];
        var length = 0;
        switch (PropertyTable.Find((byte)id).Type)
        {
            case PropertyType.Byte:
                rest[0] = checked((byte)value);
                length = 1;
                break;
            case PropertyType.TwoByteInteger:
                BinaryPrimitives.WriteUInt16BigEndian(rest, checked((ushort)value));
                length = 2;
                break;
            case PropertyType.FourByteInteger:
                BinaryPrimitives.WriteUInt32BigEndian(rest, value);
                length = 4;
                break;
            case PropertyType.VariableByteInteger:
                length = VariableByteInteger.Write(rest, value);
                break;
            default:
                throw new ArgumentException($"{id} is no number.", nameof(id));
        }

        output.Advance(1 + length);
    }

    /// <summary>Writes a string or binary property.</summary>
    public static void Write(IBufferWriter<byte> output, PropertyId id, ReadOnlySpan<byte> value)
    {
        if (PropertyTable.Find((byte)id).Type is not (PropertyType.String or PropertyType.Binary))
            throw new ArgumentException($"{id} is neither string nor binary.", nameof(id));
        output.GetSpan(1)[0] = (byte)id;
        output.Advance(1);
        WritePrefixed(output, value);
    }

    /// <summary>Writes a user property.</summary>
    public static void Write(IBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        output.GetSpan(1)[0] = (byte)PropertyId.UserProperty;
        output.Advance(1);
        WritePrefixed(output, name);
        WritePrefixed(output, value);
    }

    private static void WritePrefixed(IBufferWriter<byte> output, ReadOnlySpan<byte> value)
    {
        if (value.Length > ushort.MaxValue)
            throw new ArgumentException($"A string or binary value has at most 65,535 bytes; this one has {value.Length}.", nameof(value));
        BinaryPrimitives.WriteUInt16BigEndian(output.GetSpan(2), (ushort)value.Length);
        output.Advance(2);
        output.Write(value);
    }
}
