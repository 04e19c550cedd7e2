namespace Mqtt.Protocol;

/// <summary>The Variable Byte Integer of section 1.5.5: seven bits a byte, lowest first, at most four bytes.</summary>
public static class VariableByteInteger
{
    /// <summary>The largest value: 268,435,455.</summary>
    public const uint Maximum = 0x0FFF_FFFF;

    /// <summary>How many bytes the value takes.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is larger than <see cref="Maximum"/>.</exception>
    public static int Measure(uint value) => value switch
    {
        < 0x80 => 1,
        < 0x4000 => 2,
        < 0x20_0000 => 3,
        <= Maximum => 4,
        _ => throw new ArgumentOutOfRangeException(nameof(value), value, "A variable byte integer is at most 268,435,455."),
    };

    /// <summary>Writes the value in as few bytes as possible [MQTT-1.5.5-1] and returns how many.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is larger than <see cref="Maximum"/>.</exception>
    public static int Write(Span<byte> output, uint value)
    {
        var length = Measure(value);
        for (var i = 0; i < length - 1; i++, value >>= 7)
            output[i] = (byte)(value | 0x80);
        output[length - 1] = (byte)value;
        return length;
    }

    /// <summary>Reads a value: the bytes it took, 0 if more bytes are needed, -1 if it is longer than four bytes or not minimal.</summary>
    public static int Read(ReadOnlySpan<byte> input, out uint value)
    {
        value = 0;
        var available = Math.Min(input.Length, 4);
        for (var i = 0; i < available; i++)
        {
            var current = input[i];
            value |= (uint)(current & 0x7F) << (7 * i);
            if (current < 0x80)
                return current == 0 && i > 0 ? -1 : i + 1;
        }

        return available == 4 ? -1 : 0;
    }
}
