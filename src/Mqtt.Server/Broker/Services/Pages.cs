namespace Mqtt.Server.Broker.Services;

/// <summary>Cuts pages out of what has no order of its own and changes all the time: ordered by a name, each page behind the last name of the one before.</summary>
internal static class Pages
{
    /// <summary>The first items behind a name, in the order of their names, without sorting the others.</summary>
    public static List<T> Cut<T>(IEnumerable<T> items, Func<T, string> nameOf, string? after, int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);

        // The largest of those kept stands in front, ready to make room.
        var kept = new PriorityQueue<T, string>(Comparer<string>.Create(static (left, right) => string.CompareOrdinal(right, left)));
        foreach (var item in items)
        {
            var name = nameOf(item);
            if (after is not null && string.CompareOrdinal(name, after) <= 0)
                continue;
            if (kept.Count < count)
                kept.Enqueue(item, name);
            else
                kept.EnqueueDequeue(item, name);
        }

        var page = new List<T>(kept.Count);
        while (kept.TryDequeue(out var item, out _))
            page.Add(item);
        page.Reverse();
        return page;
    }
}
