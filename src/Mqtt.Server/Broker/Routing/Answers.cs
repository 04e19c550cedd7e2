using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// Who gets the messages of the topics that were published lately: one look-up by the hash of a topic, without a lock. It is built as a processor's cache is: each
/// topic belongs to one small set of places, which are compared at once, so that a topic that is not kept costs a single look. Bounded in topics and in receivers,
/// for a thousand topics may have ten thousand receivers each; where there is no room, the answers go that nobody has asked for lately.
/// Topics that are not met again and again are not kept: with a hundred thousand of them in turn, that would only cost.
/// </summary>
internal sealed class Answers<T>(FilterChanges changes)
    where T : class
{
    private const int PlacesOfSet = 8;
    private const int MostTopics = 4096 * PlacesOfSet;
    private const int MostTargets = 524_288;

    // In each place the last bits of a topic's hash, and its answer. Written under the router's lock.
    private readonly ushort[] tags = new ushort[MostTopics];
    private readonly Answer?[] answers = new Answer?[MostTopics];
    private int targetCount;

    // Where room for more receivers is made next.
    private int hand;

    // In each place bits of the hash of a topic, and in its last bits how much oftener this one was met than the others of the place. Under the router's lock.
    private readonly ushort[] met = new ushort[MostTopics];

    /// <summary>The answer for a topic if it is kept and still holds. Any thread.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="hash">The topic's hash by <see cref="Utf8Comparer"/>.</param>
    /// <param name="match">Who gets its messages.</param>
    public bool TryFind(ReadOnlySpan<byte> topic, int hash, out Match<T> match)
    {
        var place = PlaceOf(hash);
        if (place >= 0 && Volatile.Read(ref answers[place]) is { } answer && topic.SequenceEqual(answer.Topic) && changes.IsCurrent(answer.Stamp))
        {
            answer.MarkAsked();
            match = answer.Match;
            return true;
        }

        match = default;
        return false;
    }

    /// <summary>Has the answers fetched from memory for those of some topics that have one. Any thread.</summary>
    /// <param name="bytes">Where the topics stand.</param>
    /// <param name="topics">The topics.</param>
    /// <param name="others">Those of which there is none; as many as the topics at most.</param>
    /// <returns>How many there are.</returns>
    public int Fetch(ReadOnlySpan<byte> bytes, ReadOnlySpan<TopicPlace> topics, Span<TopicPlace> others)
    {
        Span<int> places = stackalloc int[topics.Length];
        for (var i = 0; i < topics.Length; i++)
        {
            places[i] = PlaceOf(Utf8Comparer.Instance.GetHashCode(topics[i].In(bytes)));
            if (places[i] >= 0)
                ProcessorCache.Fetch(ref answers[places[i]]);
        }

        var count = 0;
        for (var i = 0; i < topics.Length; i++)
        {
            if (places[i] >= 0 && Volatile.Read(ref answers[places[i]]) is { } answer)
                answer.Fetch();
            else
                others[count++] = topics[i];
        }

        return count;
    }

    /// <summary>True for a topic that was met a few times, not long ago. Under the router's lock.</summary>
    public bool IsWorthKeeping(int hash)
    {
        const int Often = 3;
        ref var place = ref met[(int)((uint)hash >> 16) & (MostTopics - 1)];
        var tag = hash & (ushort.MaxValue & ~Often);
        var count = place & Often;
        if (place - count == tag)
        {
            if (count < Often)
                place++;
            return count + 1 >= Often;
        }

        place = (ushort)(count > 0 ? place - 1 : tag);
        return false;
    }

    /// <summary>Keeps an answer. Under the router's lock, as every change of the tree: no answer that is kept is older than the tree.</summary>
    public void Keep(ReadOnlySpan<byte> topic, int hash, in Match<T> match)
    {
        var place = PlaceOf(hash);
        if (place < 0)
            place = PlaceFor(hash);
        Drop(place);
        for (var tries = MostTopics; tries > 0 && targetCount + match.Targets.Length > MostTargets; tries--)
            Drop(hand = (hand + 1) % MostTopics);

        targetCount += match.Targets.Length;
        tags[place] = (ushort)hash;
        Volatile.Write(ref answers[place], new Answer(topic.ToArray(), match, changes.StampFor(topic)));
    }

    /// <summary>A filter has come or gone: what it can alter is not answered any more. Under the router's lock.</summary>
    public void Forget(MqttString filter)
    {
        if (MqttTopic.HasWildcard(filter.Span))
            changes.Note(filter.Span);
        else if (PlaceOf(Utf8Comparer.Instance.GetHashCode(filter.Span)) is var place and >= 0)
            Drop(place);
    }

    private static int FirstPlaceOf(int hash) => (int)((uint)hash >> 16) % (MostTopics / PlacesOfSet) * PlacesOfSet;

    // Less than none if it is not there. Of two topics that look alike here, which is rare, one is kept.
    private int PlaceOf(int hash)
    {
        var first = FirstPlaceOf(hash);
        var at = tags.AsSpan(first, PlacesOfSet).IndexOf((ushort)hash);
        return at < 0 ? at : first + at;
    }

    // A free place, or one whose answer nobody has asked for lately.
    private int PlaceFor(int hash)
    {
        var first = FirstPlaceOf(hash);
        for (var i = first; i < first + PlacesOfSet; i++)
        {
            if (answers[i] is not { WasAsked: true })
                return i;
        }

        for (var i = first; i < first + PlacesOfSet; i++)
            answers[i]!.WasAsked = false;
        return first;
    }

    private void Drop(int place)
    {
        if (answers[place] is not { } answer)
            return;
        targetCount -= answer.Match.Targets.Length;
        Volatile.Write(ref answers[place], null);
    }

    /// <summary>Who gets a topic's messages, and when this was found.</summary>
    private sealed class Answer(byte[] topic, Match<T> match, Stamp stamp)
    {
        // What it takes in memory, or more.
        private const int Bytes = 128;

        public byte[] Topic { get; } = topic;

        public Match<T> Match { get; } = match;

        public Stamp Stamp { get; } = stamp;

        /// <summary>True if somebody has asked for it since its set was last full of such.</summary>
        public bool WasAsked { get; set; }

        /// <summary>Has it fetched from memory, for it will be asked for.</summary>
        public void Fetch() => ProcessorCache.Fetch(this, Bytes);

        /// <summary>Asked for; hardly ever written, for all threads read it.</summary>
        public void MarkAsked()
        {
            if (!WasAsked)
                WasAsked = true;
        }
    }
}
