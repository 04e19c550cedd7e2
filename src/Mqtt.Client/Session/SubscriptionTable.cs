namespace Mqtt.Client;

/// <summary>
/// Which filters the client has subscribed to and who gets their messages. A message finds its subscriptions by the subscription
/// identifiers it carries, and by its topic where there are none: in 3.x, or with a server that does not support them. The session's lock guards it.
/// </summary>
internal sealed class SubscriptionTable
{
    // What a topic matched is remembered for so many topics, and forgotten whenever a filter comes or goes.
    private const int RememberedTopics = 1024;

    private readonly Dictionary<MqttString, FilterEntry> entries = new(Utf8Comparer.Instance);
    private readonly Dictionary<uint, FilterEntry> byIdentifier = [];
    private readonly Dictionary<MqttString, Route> byTopic = new(Utf8Comparer.Instance);
    private uint lastIdentifier;

    /// <summary>
    /// True if the server may hold subscriptions that an earlier run of the program made: their identifiers may be the same as ours, so
    /// that a message must also match by its topic.
    /// </summary>
    public bool MayHoldForeign { get; set; }

    /// <summary>All filters.</summary>
    public IReadOnlyCollection<FilterEntry> Entries => entries.Values;

    /// <summary>Puts a subscription in; returns its filters, to be asked for.</summary>
    public FilterEntry[] Add(MqttSubscription subscription)
    {
        byTopic.Clear();
        var added = new List<FilterEntry>(subscription.Filters.Count);
        foreach (var wanted in subscription.Filters)
        {
            var entry = FindOrCreate(wanted.Filter);
            entry.IsLeaving = entry.IsKept = entry.IsGranted = false;
            if (added.Contains(entry))
                continue;
            added.Add(entry);
            entry.Members = [.. entry.Members, subscription];
        }

        return [.. added];
    }

    /// <summary>The filter, if anybody subscribed to it.</summary>
    public FilterEntry? Find(MqttString filter) => entries.GetValueOrDefault(filter);

    /// <summary>The filter, made if it is not there.</summary>
    public FilterEntry FindOrCreate(MqttString filter)
    {
        if (entries.TryGetValue(filter, out var entry))
            return entry;
        entry = new FilterEntry(filter, NextIdentifier());
        entries.Add(entry.Filter, entry);
        byIdentifier.Add(entry.Identifier, entry);
        return entry;
    }

    /// <summary>Takes a subscription off a filter.</summary>
    public void RemoveMember(FilterEntry entry, MqttSubscription subscription)
    {
        byTopic.Clear();
        entry.Members = [.. entry.Members.Where(member => member != subscription)];
    }

    /// <summary>Takes a filter out, if nobody subscribes to it.</summary>
    public void RemoveIfUnused(FilterEntry entry)
    {
        if (entry.Members.Length > 0 || !entries.Remove(entry.Filter))
            return;
        byIdentifier.Remove(entry.Identifier);
        byTopic.Clear();
    }

    /// <summary>The server has forgotten the session, and all subscriptions with it.</summary>
    public void ForgetGrants()
    {
        MayHoldForeign = false;
        foreach (var entry in entries.Values.ToArray())
        {
            entry.IsGranted = false;
            if (entry.IsLeaving)
                RemoveIfUnused(entry);
        }
    }

    /// <summary>Who gets a message.</summary>
    public Route Route(in MqttProperties properties, in MqttString topic)
    {
        Route? found = null;
        foreach (var property in properties)
        {
            if (property.Id != PropertyId.SubscriptionIdentifier || !byIdentifier.TryGetValue(property.Number, out var entry))
                continue;
            if (!MayHoldForeign || MqttTopic.Matches(entry.Pattern.Span, topic.Span))
                found = Join(found, entry);
        }

        return found ?? RouteByTopic(topic);
    }

    private Route RouteByTopic(in MqttString topic)
    {
        if (byTopic.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(topic.Span, out var remembered))
            return remembered;
        Route? found = null;
        foreach (var entry in entries.Values)
        {
            if (MqttTopic.Matches(entry.Pattern.Span, topic.Span))
                found = Join(found, entry);
        }

        if (found is null)
            return new([], Leftover.Unclaimed);
        if (byTopic.Count == RememberedTopics)
            byTopic.Clear();
        byTopic.Add(topic.ToOwned(), found.Value);
        return found.Value;
    }

    private static Route Join(Route? found, FilterEntry entry)
    {
        var leftover = entry.IsKept ? Leftover.Withhold : Leftover.Acknowledge;
        return found is { } others
            ? new([.. others.Receivers.Union(entry.Members)], others.Leftover > leftover ? others.Leftover : leftover)
            : new(entry.Members, leftover);
    }

    private uint NextIdentifier()
    {
        do
            lastIdentifier = lastIdentifier % 268_435_455 + 1;
        while (byIdentifier.ContainsKey(lastIdentifier));
        return lastIdentifier;
    }
}
