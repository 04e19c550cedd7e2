using System.Buffers.Binary;

namespace Mqtt.Protocol;

/// <summary>One property as it stands on the wire.</summary>
public readonly struct MqttProperty
{
    internal MqttProperty(ReadOnlyMemory<byte> encoded) => Encoded = encoded;

    /// <summary>Which property this is.</summary>
    public PropertyId Id => (PropertyId)Encoded.Span[0];

    /// <summary>How its value is encoded.</summary>
    public PropertyType Type => PropertyTable.Find(Encoded.Span[0]).Type;

    /// <summary>Identifier and value as they stand on the wire.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>The value of a numeric property of any width; 0 for the others.</summary>
    public uint Number
    {
        get
        {
            var value = Encoded.Span[1..];
            return Type switch
            {
                PropertyType.Byte => value[0],
                PropertyType.TwoByteInteger => BinaryPrimitives.ReadUInt16BigEndian(value),
                PropertyType.FourByteInteger => BinaryPrimitives.ReadUInt32BigEndian(value),
                PropertyType.VariableByteInteger => ReadVariable(value),
                _ => 0,
            };
        }
    }

    /// <summary>The value of a string or binary property, without its length; the name of a pair; empty for numbers.</summary>
    public ReadOnlyMemory<byte> Bytes => Type is PropertyType.String or PropertyType.Binary or PropertyType.StringPair ? Prefixed(1) : default;

    /// <summary>The value of a pair; empty for the others.</summary>
    public ReadOnlyMemory<byte> PairValue => Type is PropertyType.StringPair ? Prefixed(3 + Prefixed(1).Length) : default;

    private ReadOnlyMemory<byte> Prefixed(int at) => Encoded.Slice(at + 2, BinaryPrimitives.ReadUInt16BigEndian(Encoded.Span[at..]));

    private static uint ReadVariable(ReadOnlySpan<byte> value)
    {
        uint number = 0;
        for (var i = 0; i < value.Length; i++)
            number |= (uint)(value[i] & 0x7F) << (7 * i);
        return number;
    }
}
