using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Mqtt.Server.Broker.Retained;

/// <summary>
/// Topics in the order of their bytes, so that somebody who goes through them may leave off at any one and go on behind it later, whatever
/// has come and gone meanwhile. Kept in pieces of a few hundred: to add or to remove moves no more than that. Its owner's lock guards it.
/// <para>A search among a million topics looks at none of them: beside each piece stands from which name on it goes, and beside each topic the bytes in which it differs from its neighbours.</para>
/// </summary>
internal sealed class TopicOrder
{
    private const int PieceSize = 512;

    // Each has the names from its own first one on and before that of the next; the first piece has all before the second.
    private readonly List<(byte[] From, Piece Topics)> pieces = [];

    /// <summary>Adds a topic that is not there.</summary>
    public void Add(RetainedTopic topic)
    {
        if (pieces.Count == 0)
            pieces.Add(([], new Piece()));
        var number = PieceOf(topic.Name.Span);
        var piece = pieces[number].Topics;
        piece.Add(topic);
        if (piece.Count <= PieceSize)
            return;
        var rest = piece.Part(PieceSize / 2);
        pieces.Insert(number + 1, (rest[0].Name.Span.ToArray(), rest));
        SetCommon(number);
        SetCommon(number + 1);
    }

    /// <summary>Takes a topic out.</summary>
    public void Remove(RetainedTopic topic)
    {
        var number = PieceOf(topic.Name.Span);
        var piece = pieces[number].Topics;
        piece.Remove(topic);
        if (piece.Count > 0)
            return;
        pieces.RemoveAt(number);
        if (pieces.Count > 0)
            SetCommon(Math.Max(0, number - 1));
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => pieces.Clear();

    /// <summary>All topics from a name on; that one itself only if <paramref name="inclusive"/>. Nothing may be added or removed meanwhile.</summary>
    public IEnumerable<RetainedTopic> From(ReadOnlyMemory<byte> name, bool inclusive)
    {
        if (pieces.Count == 0)
            yield break;
        var number = PieceOf(name.Span);
        var piece = pieces[number].Topics;
        var at = piece.PlaceOf(name.Span);
        if (!inclusive && at < piece.Count && piece[at].Name.Span.SequenceEqual(name.Span))
            at++;
        for (; number < pieces.Count; number++, at = 0)
        {
            for (piece = pieces[number].Topics; at < piece.Count; at++)
                yield return piece[at];
        }
    }

    // The piece that has a name, or would have it.
    private int PieceOf(ReadOnlySpan<byte> name)
    {
        var (low, high) = (0, pieces.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (pieces[middle].From.AsSpan().SequenceCompareTo(name) <= 0)
                low = middle;
            else
                high = middle - 1;
        }

        return low;
    }

    // What the names have in common from which a piece and the next one go, all that can come between them have too.
    private void SetCommon(int number)
    {
        var isBetween = number > 0 && number + 1 < pieces.Count;
        pieces[number].Topics.SetCommonBytes(isBetween ? pieces[number].From.AsSpan().CommonPrefixLength(pieces[number + 1].From) : 0);
    }

    /// <summary>A few hundred topics, each with the eight bytes that come after those that all have in common.</summary>
    private sealed class Piece
    {
        private readonly List<(ulong Key, RetainedTopic Topic)> topics;
        private int commonBytes;

        public Piece()
            : this([], 0)
        {
        }

        private Piece(List<(ulong Key, RetainedTopic Topic)> topics, int commonBytes) => (this.topics, this.commonBytes) = (topics, commonBytes);

        public int Count => topics.Count;

        /// <summary>How many first bytes all have in common, and all that may come.</summary>
        public void SetCommonBytes(int count)
        {
            if (commonBytes == count)
                return;
            commonBytes = count;
            foreach (ref var topic in CollectionsMarshal.AsSpan(topics))
                topic.Key = KeyOf(topic.Topic.Name.Span);
        }

        public RetainedTopic this[int place] => topics[place].Topic;

        public void Add(RetainedTopic topic)
        {
            var name = topic.Name.Span;
            topics.Insert(PlaceOf(name), (KeyOf(name), topic));
        }

        public void Remove(RetainedTopic topic) => topics.RemoveAt(PlaceOf(topic.Name.Span));

        /// <summary>Parts all from a place on.</summary>
        public Piece Part(int place)
        {
            var rest = topics[place..];
            topics.RemoveRange(place, rest.Count);
            return new Piece(rest, commonBytes);
        }

        /// <summary>Where a name is, or would be.</summary>
        public int PlaceOf(ReadOnlySpan<byte> name)
        {
            var key = KeyOf(name);
            var (from, to) = (0, topics.Count);
            while (from < to)
            {
                var middle = (from + to) / 2;
                var (other, topic) = topics[middle];
                if (other < key || (other == key && topic.Name.Span.SequenceCompareTo(name) < 0))
                    from = middle + 1;
                else
                    to = middle;
            }

            return from;
        }

        // Ordered as the names are; of two that go on alike it is the same.
        private ulong KeyOf(ReadOnlySpan<byte> name)
        {
            var rest = name[commonBytes..];
            if (rest.Length >= sizeof(ulong))
                return BinaryPrimitives.ReadUInt64BigEndian(rest);
            Span<byte> filled = stackalloc byte[sizeof(ulong)];
            filled.Clear();
            rest.CopyTo(filled);
            return BinaryPrimitives.ReadUInt64BigEndian(filled);
        }
    }
}
