namespace Mqtt.Server.Broker.Retained;

/// <summary>
/// Topics in the order of their bytes, so that somebody who goes through them may leave off at any one and go on behind it later, whatever
/// has come and gone meanwhile. Kept in pieces of a few hundred: to add or to remove moves no more than that. Its owner's lock guards it.
/// </summary>
internal sealed class TopicOrder
{
    private const int PieceSize = 512;

    private readonly List<List<RetainedTopic>> pieces = [];

    /// <summary>Adds a topic that is not there.</summary>
    public void Add(RetainedTopic topic)
    {
        if (pieces.Count == 0)
            pieces.Add([]);
        var (piece, at) = Find(topic.Name.Span);
        pieces[piece].Insert(at, topic);
        if (pieces[piece].Count <= PieceSize)
            return;
        pieces.Insert(piece + 1, pieces[piece][(PieceSize / 2)..]);
        pieces[piece].RemoveRange(PieceSize / 2, pieces[piece].Count - (PieceSize / 2));
    }

    /// <summary>Takes a topic out.</summary>
    public void Remove(RetainedTopic topic)
    {
        var (piece, at) = Find(topic.Name.Span);
        pieces[piece].RemoveAt(at);
        if (pieces[piece].Count == 0)
            pieces.RemoveAt(piece);
    }

    /// <summary>Forgets all.</summary>
    public void Clear() => pieces.Clear();

    /// <summary>All topics from a name on; that one itself only if <paramref name="inclusive"/>. Nothing may be added or removed meanwhile.</summary>
    public IEnumerable<RetainedTopic> From(ReadOnlyMemory<byte> name, bool inclusive)
    {
        if (pieces.Count == 0)
            yield break;
        var (piece, at) = Find(name.Span);
        if (!inclusive && at < pieces[piece].Count && pieces[piece][at].Name.Span.SequenceEqual(name.Span))
            at++;
        for (; piece < pieces.Count; piece++, at = 0)
        {
            for (; at < pieces[piece].Count; at++)
                yield return pieces[piece][at];
        }
    }

    // Where a name is, or would be.
    private (int Piece, int At) Find(ReadOnlySpan<byte> name)
    {
        var (low, high) = (0, pieces.Count - 1);
        while (low < high)
        {
            var middle = (low + high + 1) / 2;
            if (pieces[middle][0].Name.Span.SequenceCompareTo(name) <= 0)
                low = middle;
            else
                high = middle - 1;
        }

        var piece = pieces[low];
        var (from, to) = (0, piece.Count);
        while (from < to)
        {
            var middle = (from + to) / 2;
            if (piece[middle].Name.Span.SequenceCompareTo(name) < 0)
                from = middle + 1;
            else
                to = middle;
        }

        return (low, from);
    }
}
