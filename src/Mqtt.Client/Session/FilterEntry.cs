namespace Mqtt.Client;

/// <summary>
/// One filter as the server knows it, which may serve several subscriptions of the client: they share its identifier, and it asks for
/// what any of them wants. The session's lock guards it.
/// </summary>
internal sealed class FilterEntry
{
    public FilterEntry(MqttString filter, uint identifier)
    {
        Filter = filter.ToOwned();
        Identifier = identifier;
        Pattern = MqttTopic.TryParseShared(Filter.Span, out _, out var inner) ? MqttString.FromUtf8(inner.ToArray()) : Filter;
    }

    /// <summary>The filter as it stands in SUBSCRIBE.</summary>
    public MqttString Filter { get; }

    /// <summary>What topics are matched with: the filter without <c>$share/name/</c>.</summary>
    public MqttString Pattern { get; }

    /// <summary>The subscription identifier, unless the server does not support them.</summary>
    public uint Identifier { get; }

    /// <summary>Who gets its messages; a new array with each change.</summary>
    public MqttSubscription[] Members { get; set; } = [];

    /// <summary>True if the server has said yes in this life of the session.</summary>
    public bool IsGranted { get; set; }

    /// <summary>True if an UNSUBSCRIBE is under way or owed; messages that still come are acknowledged and dropped.</summary>
    public bool IsLeaving { get; set; }

    /// <summary>True if nobody reads it any more, but the server keeps it for the next run.</summary>
    public bool IsKept { get; set; }

    /// <summary>What to ask the server for: all that any member wants.</summary>
    public TopicSubscription Request()
    {
        var qualityOfService = QualityOfService.AtMostOnce;
        var (noLocal, retainAsPublished, retainHandling) = (true, false, RetainHandling.DoNotSend);
        foreach (var member in Members)
        {
            foreach (var wanted in member.Filters)
            {
                if (wanted.Filter != Filter)
                    continue;
                qualityOfService = (QualityOfService)Math.Max((byte)qualityOfService, (byte)wanted.QualityOfService);
                noLocal &= wanted.NoLocal;
                retainAsPublished |= wanted.RetainAsPublished;
                retainHandling = (RetainHandling)Math.Min((byte)retainHandling, (byte)wanted.RetainHandling);
            }
        }

        return new(Filter, qualityOfService) { NoLocal = noLocal, RetainAsPublished = retainAsPublished, RetainHandling = retainHandling };
    }
}
