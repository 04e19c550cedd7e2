using System.Buffers;
using System.Text;

namespace Mqtt.Server.Broker.Rules;

/// <summary>
/// A topic with named levels: <c>plant/{id}/temperature</c>, <c>old/{*rest}</c>. A name stands for exactly one level, one with a star for all that are left,
/// one at least. Immutable; works on UTF-8 as it stands in packets, and allocates nothing where it does not match.
/// </summary>
internal sealed class TopicPattern
{
    private const byte Separator = (byte)'/';

    // For each level the bytes that must stand there, or null where a name is.
    private readonly byte[]?[] levels;
    private readonly List<string> names = [];
    private readonly bool hasRest;

    /// <summary>Takes a pattern apart.</summary>
    /// <exception cref="ArgumentException">It is none; the message says why.</exception>
    public TopicPattern(string pattern)
    {
        ArgumentException.ThrowIfNullOrEmpty(pattern);
        var parts = pattern.Split('/');
        levels = new byte[parts.Length][];
        for (var i = 0; i < parts.Length; i++)
        {
            if (!parts[i].StartsWith('{'))
            {
                if (parts[i].AsSpan().ContainsAny("{}+#"))
                    throw new ArgumentException($"\"{parts[i]}\" in \"{pattern}\" is neither a level nor a name.", nameof(pattern));
                levels[i] = Encoding.UTF8.GetBytes(parts[i]);
                continue;
            }

            var isRest = parts[i].StartsWith("{*", StringComparison.Ordinal);
            var name = parts[i].Trim('{', '*', '}');
            if (name.Length == 0 || !parts[i].EndsWith('}') || names.Contains(name) || (isRest && i < parts.Length - 1))
                throw new ArgumentException($"\"{parts[i]}\" in \"{pattern}\" does not name one level, or all the last ones, for the first time.", nameof(pattern));
            names.Add(name);
            hasRest = isRest;
        }
    }

    /// <summary>The names, in their order.</summary>
    public IReadOnlyList<string> Names => names;

    /// <summary>True if the topic or filter is of this form. A name takes a level with <c>+</c> as well, and only the one for the rest a <c>#</c>.</summary>
    /// <param name="topic">The topic or filter.</param>
    /// <param name="values">What stands at each name; as long as <see cref="Names"/>.</param>
    public bool TryMatch(ReadOnlySpan<byte> topic, Span<Range> values)
    {
        var (at, value) = (0, 0);
        for (var i = 0; i < levels.Length; i++)
        {
            var isLast = i == levels.Length - 1;
            if (isLast && hasRest)
            {
                values[value] = at..topic.Length;
                return true;
            }

            var length = topic[at..].IndexOf(Separator);
            if ((length < 0) != isLast)
                return false;
            var end = length < 0 ? topic.Length : at + length;
            if (levels[i] is { } literal)
            {
                if (!topic[at..end].SequenceEqual(literal))
                    return false;
            }
            else
            {
                if (topic[at..end].SequenceEqual("#"u8))
                    return false;
                values[value++] = at..end;
            }

            at = end + 1;
        }

        return true;
    }
}

/// <summary>What a topic is made from: text, and the names of a pattern in between.</summary>
internal sealed class TopicTemplate
{
    private readonly List<(byte[] Text, int Name)> parts = [];

    /// <summary>Takes a template apart.</summary>
    /// <exception cref="ArgumentException">A name is not the pattern's.</exception>
    public TopicTemplate(string template, IReadOnlyList<string> names)
    {
        ArgumentException.ThrowIfNullOrEmpty(template);
        var rest = template.AsSpan();
        while (rest.IndexOf('{') is >= 0 and var open)
        {
            var close = rest[open..].IndexOf('}');
            var name = close < 0 ? "" : rest[(open + 1)..(open + close)].Trim('*').ToString();
            var index = names.ToList().IndexOf(name);
            if (index < 0)
                throw new ArgumentException($"\"{template}\" uses a name that the pattern does not have.", nameof(template));
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
