using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Protocol;

/// <summary>
/// A topic with named levels: <c>plant/{id}/temperature</c>, <c>plant/{rest...}</c>. A name stands for exactly one level, as <c>+</c> does in a filter; one
/// with three dots, at the end only, for all that are left, as <c>#</c> does, and so also for none: <c>plant/{rest...}</c> matches <c>plant</c>. In front
/// of it may stand <c>$share/group/</c>, which belongs to the filter and not to the topics.
/// <para>
/// Immutable, and safe to use from all threads. It works on UTF-8 bytes as they stand in packets, without reflection; matching allocates nothing.
/// </para>
/// </summary>
public sealed class MqttTopicTemplate
{
    /// <summary>The most parameters that a template can have.</summary>
    public const int MaximumParameterCount = 64;

    private const byte Separator = (byte)'/';

    // For each level the bytes that must stand there, or null where a parameter is.
    private readonly byte[]?[] levels;
    private readonly string text;

    private MqttTopicTemplate(string text, MqttString filter, byte[]?[] levels, string[] names, bool hasRest)
    {
        this.text = text;
        this.levels = levels;
        Filter = filter;
        Names = names;
        HasRest = hasRest;
    }

    /// <summary>The names of the parameters, in their order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>True if the last parameter stands for all levels that are left.</summary>
    public bool HasRest { get; }

    /// <summary>The topic filter for exactly the topics that match: <c>plant/+/temperature</c>, <c>plant/#</c>.</summary>
    public MqttString Filter { get; }

    /// <summary>Takes a template apart.</summary>
    /// <exception cref="ArgumentException">It is none; the message says why.</exception>
    public static MqttTopicTemplate Parse(string template)
    {
        ArgumentNullException.ThrowIfNull(template);
        return Read(template, out var error) ?? throw new ArgumentException($"\"{template}\" is no topic template: {error}", nameof(template));
    }

    /// <summary>Takes a template apart; false if it is none.</summary>
    public static bool TryParse([NotNullWhen(true)] string? template, [NotNullWhen(true)] out MqttTopicTemplate? result)
    {
        result = template is null ? null : Read(template, out _);
        return result is not null;
    }

    /// <summary>True if a topic is of this form; then the parameters are slices of it, and borrowed as it is.</summary>
    public bool TryMatch(MqttString topic, out MqttTopicParameters parameters)
    {
        Span<Range> values = stackalloc Range[Names.Count];
        if (!TryMatch(topic.Span, values))
        {
            parameters = default;
            return false;
        }

        parameters = new MqttTopicParameters(Names, topic, values.ToArray());
        return true;
    }

    /// <summary>
    /// True if a topic is of this form. As for filters, a name at the beginning does not stand for a level that begins with <c>$</c> [MQTT-4.7.2-1]. A filter
    /// can be matched as well: a name takes a level with <c>+</c>, and only the one for the rest a <c>#</c>.
    /// </summary>
    /// <param name="topic">The topic name, or filter, in UTF-8.</param>
    /// <param name="values">What stands at each name; at least as long as <see cref="Names"/>. Where nothing is left for the rest, an empty range at the end.</param>
    /// <exception cref="ArgumentException">There are more names than room for values.</exception>
    public bool TryMatch(ReadOnlySpan<byte> topic, Span<Range> values)
    {
        if (values.Length < Names.Count)
            throw new ArgumentException("There are more names than room for values.", nameof(values));
        if (topic.IsEmpty || (topic[0] == (byte)'$' && levels[0] is null))
            return false;

        var (at, value) = (0, 0);
        for (var i = 0; i < levels.Length; i++)
        {
            var isLast = i == levels.Length - 1;
            if (isLast && HasRest)
            {
                values[value] = Math.Min(at, topic.Length)..topic.Length;
                return true;
            }

            // The topic has ended, and there is more than an absent rest to come.
            if (at > topic.Length)
                return false;
            var length = topic[at..].IndexOf(Separator);
            var end = length < 0 ? topic.Length : at + length;
            if (levels[i] is not { } literal)
            {
                if (topic[at..end].SequenceEqual("#"u8))
                    return false;
                values[value++] = at..end;
            }
            else if (!topic[at..end].SequenceEqual(literal))
            {
                return false;
            }

            at = end + 1;
        }

        return at > topic.Length;
    }

    /// <summary>The template as it was written.</summary>
    public override string ToString() => text;

    private static MqttTopicTemplate? Read(string text, out string? error)
    {
        error = "it holds half a surrogate pair.";
        if (!IsUtf16(text))
            return null;
        var prefix = "";
        if (text.StartsWith("$share/", StringComparison.Ordinal))
        {
            var end = text.IndexOf('/', "$share/".Length);
            error = "no group or no topic follows $share/.";
            if (end <= "$share/".Length || text.AsSpan(0, end).ContainsAny("{}"))
                return null;
            prefix = text[..(end + 1)];
        }

        var parts = text[prefix.Length..].Split('/');
        var levels = new byte[]?[parts.Length];
        var filter = new string[parts.Length];
        var names = new List<string>();
        var hasRest = false;
        for (var i = 0; i < parts.Length; i++)
        {
            if (!parts[i].AsSpan().ContainsAny("{}"))
            {
                error = $"\"{parts[i]}\" holds a wildcard; a parameter has a name.";
                if (parts[i].AsSpan().ContainsAny("+#"))
                    return null;
                levels[i] = MqttString.FromString(filter[i] = parts[i]).Bytes.ToArray();
                continue;
            }

            error = $"\"{parts[i]}\" is not {{name}} for one level, or {{name...}} for all the last ones.";
            if (!TryReadName(parts[i], out var name, out hasRest) || (hasRest && i < parts.Length - 1))
                return null;
            error = $"\"{name}\" is there twice, or there are more than {MaximumParameterCount} names.";
            if (names.Contains(name) || names.Count == MaximumParameterCount)
                return null;
            names.Add(name);
            filter[i] = hasRest ? "#" : "+";
        }

        MqttString whole = prefix + string.Join('/', filter);
        error = "what becomes of it is no topic filter.";
        if (!MqttTopic.IsValidFilter(whole.Span, allowDisallowedCodePoints: true) || (prefix.Length > 0 && !MqttTopic.TryParseShared(whole.Span, out _, out _)))
            return null;
        return new MqttTopicTemplate(text, whole, levels, [.. names], hasRest);
    }

    private static bool TryReadName(string part, out string name, out bool isRest)
    {
        name = "";
        isRest = part.EndsWith("...}", StringComparison.Ordinal);
        if (part[0] != '{' || part[^1] != '}')
            return false;
        name = part[1..^(isRest ? 4 : 1)];
        return name.Length > 0 && name.All(static letter => char.IsLetterOrDigit(letter) || letter is '_' or '-');
    }

    private static bool IsUtf16(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i))
                i++;
            else if (char.IsSurrogate(text[i]))
                return false;
        }

        return true;
    }
}
