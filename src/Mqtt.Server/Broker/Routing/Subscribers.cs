namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// Who has subscribed to one filter, where that is more than one. What was read of it stays as it is: a change copies the one piece that it touches, so that
/// with ten thousand subscribers to a topic, who come and go while others publish, it costs no more than with a few hundred. The router's lock guards it.
/// </summary>
internal sealed class Subscribers<T>
    where T : class
{
    private const int PieceSize = 256;

    private readonly Dictionary<T, int> places = new(ReferenceEqualityComparer.Instance);

    // All but the last are full; beside each, how many of its places somebody may be reading.
    private readonly List<(Target<T>[] Targets, int Seen)> pieces = [];
    private Receivers<T>? receivers;

    public int Count => places.Count;

    /// <summary>All of them, as they are now.</summary>
    public Receivers<T> Receivers => receivers ??= Show();

    /// <summary>Adds a subscriber, or replaces its terms; true if it is new.</summary>
    public bool Add(in Target<T> target)
    {
        receivers = null;
        var isNew = places.TryAdd(target.Subscriber, places.Count);
        Set(places[target.Subscriber], target);
        return isNew;
    }

    /// <summary>Takes a subscriber out; true if it was there.</summary>
    public bool Remove(T subscriber)
    {
        if (!places.Remove(subscriber, out var place))
            return false;
        receivers = null;

        // The last one takes the place.
        var end = places.Count;
        var last = pieces[^1].Targets[end % PieceSize];
        if (end % PieceSize == 0)
            pieces.RemoveAt(pieces.Count - 1);
        else
            Set(end, default);
        if (place == end)
            return true;
        Set(place, last);
        places[last.Subscriber] = place;
        return true;
    }

    private void Set(int place, in Target<T> target)
    {
        var (number, at) = Math.DivRem(place, PieceSize);
        if (number == pieces.Count)
            pieces.Add((new Target<T>[number == 0 ? 2 : PieceSize], 0));
        var (targets, seen) = pieces[number];
        if (at == targets.Length)
            pieces[number] = (targets = Copy(targets, targets.Length * 2), 0);
        else if (at < seen)
            pieces[number] = (targets = Copy(targets, targets.Length), 0);
        targets[at] = target;
    }

    private static Target<T>[] Copy(Target<T>[] targets, int length)
    {
        var copy = new Target<T>[length];
        targets.CopyTo(copy, 0);
        return copy;
    }

    private Receivers<T> Show()
    {
        var shown = new Target<T>[pieces.Count][];
        for (var i = 0; i < shown.Length; i++)
        {
            var filled = Math.Min(places.Count - (i * PieceSize), PieceSize);
            var (targets, seen) = pieces[i];
            pieces[i] = (targets, Math.Max(seen, filled));
            shown[i] = targets;
        }

        return shown.Length == 1 && shown[0].Length == places.Count ? new(shown[0]) : new(shown, places.Count);
    }
}
