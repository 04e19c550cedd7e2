using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker.Rules;

/// <summary>
/// Sends what clients publish and subscribe to elsewhere, by rules; the first that matches counts, and is applied once. Rights are asked about
/// what the client itself named. Of a shared subscription the filter behind the name of the group is rewritten. Messages come back under their new topics; wills keep theirs.
/// </summary>
public sealed class TopicRewrite : IMessageHook, ISubscriptionHook, IInlineBrokerHook
{
    private readonly Rule[] publishing;
    private readonly Rule[] subscribing;

    /// <summary>Creates the hook.</summary>
    /// <exception cref="ArgumentException">A rule is not well formed; the message says why.</exception>
    public TopicRewrite(params IEnumerable<TopicRewriteRule> rules)
    {
        var all = rules.ToList();
        publishing = [.. all.Where(static rule => rule.ForPublish).Select(static rule => new Rule(rule))];
        subscribing = [.. all.Where(static rule => rule.ForSubscribe).Select(static rule => new Rule(rule))];
    }

    /// <inheritdoc/>
    public ValueTask OnPublishAsync(PublishRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (Rewrite(publishing, request.Topic.Span) is { } topic)
            request.Topic = MqttString.FromUtf8(topic);
        return default;
    }

    /// <inheritdoc/>
    public ValueTask OnSubscribeAsync(SubscribeRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (RewriteFilter(request.Subscription.Filter) is { } filter)
            request.Subscription = request.Subscription with { Filter = filter };
        return default;
    }

    /// <inheritdoc/>
    public ValueTask OnUnsubscribeAsync(UnsubscribeRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (RewriteFilter(request.Filter) is { } filter)
            request.Filter = filter;
        return default;
    }

    private MqttString? RewriteFilter(MqttString filter)
    {
        var isShared = MqttTopic.TryParseShared(filter.Span, out _, out var inner);
        if (!isShared)
            inner = filter.Span;
        if (Rewrite(subscribing, inner) is not { } changed)
            return default(MqttString?);
        return MqttString.FromUtf8(isShared ? [.. filter.Span[..^inner.Length], .. changed] : changed);
    }

    private static byte[]? Rewrite(Rule[] rules, ReadOnlySpan<byte> topic)
    {
        foreach (var rule in rules)
        {
            if (rule.Apply(topic) is { } result)
                return result;
        }

        return null;
    }

    private sealed class Rule
    {
        private readonly MqttTopicTemplate from;
        private readonly TopicText to;

        public Rule(TopicRewriteRule rule)
        {
            from = MqttTopicTemplate.Parse(rule.From);
            to = new TopicText(rule.To, from.Names);
        }

        public byte[]? Apply(ReadOnlySpan<byte> topic)
        {
            Span<Range> values = stackalloc Range[from.Names.Count];
            return from.TryMatch(topic, values) && HasRest(topic, values) ? to.Fill(topic, values) : null;
        }

        // The rest of a rule is at least one level: without any there would be a separator too many in what becomes of the topic.
        private bool HasRest(ReadOnlySpan<byte> topic, ReadOnlySpan<Range> values) =>
            !from.HasRest || topic[^1] == (byte)'/' || values[from.Names.Count - 1].Start.Value < topic.Length;
    }
}
