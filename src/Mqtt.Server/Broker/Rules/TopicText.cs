using System.Buffers;
using System.Text;

namespace Mqtt.Server.Broker.Rules;

/// <summary>What a topic is made from: text, and the names of a template in between.</summary>
internal sealed class TopicText
{
    private readonly List<(byte[] Text, int Name)> parts = [];

    /// <summary>Takes it apart.</summary>
    /// <exception cref="ArgumentException">It uses a name that is not there.</exception>
    public TopicText(string text, IReadOnlyList<string> names)
    {
        ArgumentException.ThrowIfNullOrEmpty(text);
        var rest = text.AsSpan();
        while (rest.IndexOf('{') is >= 0 and var open)
        {
            var close = rest[open..].IndexOf('}');
            var name = close < 0 ? "" : rest[(open + 1)..(open + close)].TrimEnd('.').ToString();
            var index = names.ToList().IndexOf(name);
            if (index < 0)
                throw new ArgumentException($"\"{text}\" uses a name that is not there.", nameof(text));
            parts.Add((Encoding.UTF8.GetBytes(rest[..open].ToString()), index));
            rest = rest[(open + close + 1)..];
        }

        parts.Add((Encoding.UTF8.GetBytes(rest.ToString()), -1));
    }

    /// <summary>The topic with what stood at the names.</summary>
    public byte[] Fill(ReadOnlySpan<byte> topic, ReadOnlySpan<Range> values)
    {
        var output = new ArrayBufferWriter<byte>(topic.Length + 32);
        foreach (var (text, name) in parts)
        {
            output.Write(text);
            if (name >= 0)
                output.Write(topic[values[name]]);
        }

        return output.WrittenSpan.ToArray();
    }
}
