using System.Buffers.Binary;

namespace Mqtt.Protocol;

/// <summary>Fills a span of the measured length from the left to the right.</summary>
internal ref struct FrameWriter(Span<byte> output, MqttProtocolVersion version)
{
    private readonly Span<byte> output = output;

    /// <summary>The version that the packet is written in.</summary>
    public readonly MqttProtocolVersion Version { get; } = version;

    /// <summary>True if packets of this version have properties.</summary>
    public readonly bool HasProperties => Version >= MqttProtocolVersion.V500;

    /// <summary>How many bytes are written.</summary>
    public int Position { get; private set; }

    /// <summary>Writes one byte.</summary>
    public void WriteByte(byte value) => output[Position++] = value;

    /// <summary>Writes a Two Byte Integer.</summary>
    public void WriteTwoByteInteger(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(output[Position..], value);
        Position += 2;
    }

    /// <summary>Writes a Variable Byte Integer.</summary>
    public void WriteVariableByteInteger(uint value) => Position += VariableByteInteger.Write(output[Position..], value);

    /// <summary>Writes bytes as they are.</summary>
    public void WriteBytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(output[Position..]);
        Position += value.Length;
    }

    /// <summary>Writes two bytes of length, then the bytes.</summary>
    public void WritePrefixed(ReadOnlySpan<byte> value)
    {
        WriteTwoByteInteger((ushort)value.Length);
        WriteBytes(value);
    }

    /// <summary>Writes the length of the properties and the properties; nothing before 5.0.</summary>
    public void WriteProperties(MqttProperties properties)
    {
        if (!HasProperties)
            return;
        WriteVariableByteInteger((uint)properties.Encoded.Length);
        WriteBytes(properties.Encoded.Span);
    }
}
