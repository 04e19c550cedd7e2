using System.Buffers;

namespace Mqtt.Protocol;

/// <summary>
/// The rules of topic names and topic filters (section 4.7) and of shared subscriptions (section 4.8.2), on UTF-8 bytes as
/// they stand in packets. Nothing is normalised: bytes are compared with bytes [MQTT-4.7.3-4].
/// </summary>
public static class MqttTopic
{
    /// <summary>The most bytes that a topic name or filter can have [MQTT-4.7.3-3].</summary>
    public const int MaximumLengthBytes = ushort.MaxValue;

    private const byte Separator = (byte)'/';
    private const byte SingleLevel = (byte)'+';
    private const byte MultiLevel = (byte)'#';

    // Printable ASCII but for the wildcards: what makes up nearly every topic name, found in one vectorised search.
    private static readonly SearchValues<byte> PlainBytes = SearchValues.Create(
        [.. Enumerable.Range(0x20, 0x7F - 0x20).Select(value => (byte)value).Where(value => value is not (SingleLevel or MultiLevel))]);

    /// <summary>
    /// True if a message can be published to this topic name: 1 to 65,535 bytes [MQTT-4.7.3-1], [MQTT-4.7.3-3] of well-formed UTF-8
    /// without U+0000 [MQTT-4.7.3-2] and without wildcards [MQTT-4.7.0-1].
    /// </summary>
    /// <param name="topic">The name in UTF-8.</param>
    /// <param name="allowDisallowedCodePoints">Also accept control characters and non-characters (section 1.5.4). Default: false.</param>
    public static bool IsValidName(ReadOnlySpan<byte> topic, bool allowDisallowedCodePoints = false)
    {
        if (topic.Length is 0 or > MaximumLengthBytes)
            return false;
        var firstOther = topic.IndexOfAnyExcept(PlainBytes);
        return firstOther < 0 || (!HasWildcard(topic[firstOther..]) && Utf8Text.IsValid(topic[firstOther..], allowDisallowedCodePoints));
    }

    /// <summary>
    /// True if this is a well-formed topic filter: the rules of a name, but with wildcards, each of which fills its level
    /// [MQTT-4.7.1-2]; <c>#</c> stands at the end only [MQTT-4.7.1-1]. Says nothing about what follows <c>$share/</c>:
    /// see <see cref="TryParseShared"/>.
    /// </summary>
    /// <param name="filter">The filter in UTF-8.</param>
    /// <param name="allowDisallowedCodePoints">Also accept control characters and non-characters (section 1.5.4). Default: false.</param>
    public static bool IsValidFilter(ReadOnlySpan<byte> filter, bool allowDisallowedCodePoints = false) =>
        filter.Length is > 0 and <= MaximumLengthBytes
        && HasWildcardsInPlace(filter)
        && Utf8Text.IsValid(filter, allowDisallowedCodePoints);

    /// <summary>True if the topic name or filter holds <c>+</c> or <c>#</c>.</summary>
    public static bool HasWildcard(ReadOnlySpan<byte> filter) => filter.IndexOfAny(SingleLevel, MultiLevel) >= 0;

    /// <summary>True if the filter begins with <c>$share/</c>, and so means a shared subscription, well formed or not.</summary>
    public static bool IsShared(ReadOnlySpan<byte> filter) => filter.StartsWith("$share/"u8);

    /// <summary>
    /// Takes a shared subscription's filter, <c>$share/{ShareName}/{filter}</c>, apart. False if it does not begin with <c>$share/</c>,
    /// if the name is empty or holds a wildcard, or if no well-formed filter follows [MQTT-4.8.2-1], [MQTT-4.8.2-2].
    /// </summary>
    /// <param name="filter">The whole filter, as it stands in SUBSCRIBE.</param>
    /// <param name="shareName">The name of the group.</param>
    /// <param name="innerFilter">The filter that topics are matched with.</param>
    public static bool TryParseShared(ReadOnlySpan<byte> filter, out ReadOnlySpan<byte> shareName, out ReadOnlySpan<byte> innerFilter)
    {
        shareName = innerFilter = default;
        if (!IsShared(filter))
            return false;
        var rest = filter["$share/".Length..];
        var end = rest.IndexOf(Separator);
        if (end <= 0 || end == rest.Length - 1 || HasWildcard(rest[..end]) || !HasWildcardsInPlace(rest[(end + 1)..]))
            return false;
        shareName = rest[..end];
        innerFilter = rest[(end + 1)..];
        return true;
    }

    /// <summary>
    /// True if the filter matches the topic name (section 4.7). A filter that begins with a wildcard does not match a name
    /// that begins with <c>$</c> [MQTT-4.7.2-1]. Both must be well formed; a shared filter is matched by its inner part.
    /// </summary>
    /// <param name="filter">A well-formed filter in UTF-8.</param>
    /// <param name="topic">A well-formed topic name in UTF-8.</param>
    public static bool Matches(ReadOnlySpan<byte> filter, ReadOnlySpan<byte> topic)
    {
        if (filter.IsEmpty || topic.IsEmpty)
            return false;
        if (topic[0] == (byte)'$' && (filter[0] is SingleLevel or MultiLevel))
            return false;

        while (true)
        {
            // A name holds no wildcard, so what both have in common is literal, however many levels it spans.
            var same = filter.CommonPrefixLength(topic);
            filter = filter[same..];
            topic = topic[same..];
            if (filter.IsEmpty)
                return topic.IsEmpty;
            switch (filter[0])
            {
                case MultiLevel:
                    return true;
                case SingleLevel:
                    filter = filter[1..];
                    var end = topic.IndexOf(Separator);
                    topic = end < 0 ? default : topic[end..];
                    break;
                default:
                    // "sport/#" also matches "sport", the parent itself (section 4.7.1.2).
                    return topic.IsEmpty && filter.SequenceEqual("/#"u8);
            }
        }
    }

    private static bool HasWildcardsInPlace(ReadOnlySpan<byte> filter)
    {
        for (var at = 0; ; at++)
        {
            var next = filter[at..].IndexOfAny(SingleLevel, MultiLevel);
            if (next < 0)
                return true;
            at += next;
            var endsLevel = at == filter.Length - 1 || (filter[at] == SingleLevel && filter[at + 1] == Separator);
            if (!endsLevel || (at > 0 && filter[at - 1] != Separator))
                return false;
        }
    }
}
