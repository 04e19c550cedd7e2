using System.Text;

namespace Mqtt.Protocol.Tests.Codec;

/// <summary>
/// Bytes as people write them, separated by spaces: <c>30 0A</c> hexadecimal; <c>61*300</c> a byte again and again; <c>'abc'</c> text;
/// <c>s'abc'</c> text with two bytes of length before it; <c>[ ... ]</c> bytes with two bytes of length before them; <c>{ ... }</c> bytes
/// with a variable byte integer before them, for the remaining length and for properties.
/// </summary>
internal static class Wire
{
    public static byte[] Bytes(string notation)
    {
        var position = 0;
        var bytes = Read(notation, ref position, '\0');
        return [.. bytes];
    }

    public static byte[] VariableByteInteger(int value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }

    private static List<byte> Read(string notation, ref int position, char end)
    {
        var bytes = new List<byte>();
        while (position < notation.Length)
        {
            var c = notation[position];
            if (c == end)
            {
                position++;
                return bytes;
            }

            if (c == ' ')
                position++;
            else
                ReadToken(notation, ref position, c, bytes);
        }

        return end == '\0' ? bytes : throw new FormatException($"'{end}' is missing in: {notation}");
    }

    private static void ReadToken(string notation, ref int position, char c, List<byte> bytes)
    {
        if (c is '{' or '[')
        {
            position++;
            var inner = Read(notation, ref position, c == '{' ? '}' : ']');
            bytes.AddRange(c == '{' ? VariableByteInteger(inner.Count) : TwoBytes(inner.Count));
            bytes.AddRange(inner);
            return;
        }

        if (c == '\'' || (c == 's' && notation[position + 1] == '\''))
        {
            var start = position + (c == 's' ? 2 : 1);
            position = notation.IndexOf('\'', start) + 1;
            var text = Encoding.UTF8.GetBytes(notation[start..(position - 1)]);
            if (c == 's')
                bytes.AddRange(TwoBytes(text.Length));
            bytes.AddRange(text);
            return;
        }

        ReadHex(notation, ref position, bytes);
    }

    private static void ReadHex(string notation, ref int position, List<byte> bytes)
    {
        var length = notation.AsSpan(position).IndexOfAny(" ]}*");
        var hex = length < 0 ? notation[position..] : notation.Substring(position, length);
        position += hex.Length;
        var values = Convert.FromHexString(hex);
        var count = 1;
        if (position < notation.Length && notation[position] == '*')
        {
            var start = ++position;
            while (position < notation.Length && char.IsAsciiDigit(notation[position]))
                position++;
            count = int.Parse(notation.AsSpan(start, position - start));
        }

        for (var i = 0; i < count; i++)
            bytes.AddRange(values);
    }

    private static byte[] TwoBytes(int value) => [(byte)(value >> 8), (byte)value];
}
