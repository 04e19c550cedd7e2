using Mqtt.Protocol;

namespace Mqtt.Server;

/// <summary>
/// Hands each message to the handler that was mapped to its topic:
/// <code>
/// var mux = new MqttTopicMux().Map("plant/{id}/temperature", (request, stop) => request.RespondAsync($"{request.Parameters["id"]} is fine", stop));
/// </code>
/// <para>
/// It is a handler of its own, for a server without a broker: it accepts every client, grants every subscription at QoS 0, since the only messages to come are
/// answers to the client's own requests, and tells of a topic that nobody has mapped with "no matching subscribers" (0x10). Derive from it to decide otherwise.
/// In front of a broker it is a hook: <see cref="Broker.Rules.TopicMuxHook"/>.
/// </para>
/// <para>
/// Handlers run on the thread pool, for each connection in order. Without a broker what a handler throws ends its connection (0x83).
/// </para>
/// </summary>
public class MqttTopicMux : MqttHandler
{
    private readonly Lock gate = new();
    private volatile Route[] routes = [];

    /// <summary>Maps the topics of a template to a handler. Where several match, the one that was mapped first gets the message. Safe at any time, from all threads.</summary>
    /// <param name="template">The topics, with names for levels: <c>plant/{id}/temperature</c>, <c>plant/{rest...}</c>. See <see cref="MqttTopicTemplate"/>.</param>
    /// <param name="handler">Gets each message; it is acknowledged when the task completes. The token is cancelled when the connection is over.</param>
    /// <returns>This mux.</returns>
    /// <exception cref="ArgumentException">The template is none, or has a group (<c>$share/</c>), which topics do not.</exception>
    public MqttTopicMux Map(string template, Func<MqttTopicRequest, CancellationToken, ValueTask> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        var parsed = MqttTopicTemplate.Parse(template);
        if (MqttTopic.IsShared(parsed.Filter.Span))
            throw new ArgumentException("Topics have no group.", nameof(template));
        lock (gate)
            routes = [.. routes, new Route(parsed, handler)];
        return this;
    }

    /// <summary>Finds the handler for a topic, for those who hand it the messages themselves; null if nobody has mapped it.</summary>
    /// <param name="topic">The topic name.</param>
    /// <param name="parameters">What stands in it at the names of the handler's template.</param>
    public Func<MqttTopicRequest, CancellationToken, ValueTask>? Find(MqttString topic, out MqttTopicParameters parameters)
    {
        foreach (var route in routes)
        {
            if (route.Template.TryMatch(topic, out parameters))
                return route.Handler;
        }

        parameters = default;
        return null;
    }

    /// <inheritdoc/>
    protected override async ValueTask<ReasonCode> OnPublishAsync(MqttConnection connection, PublishPacket packet)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(packet);
        if (Find(packet.Topic, out var parameters) is not { } handler)
            return ReasonCode.NoMatchingSubscribers;
        var request = new MqttTopicRequest(connection, packet, parameters, (answer, _) =>
        {
            connection.Send(answer);
            return default;
        });
        await handler(request, connection.Closed).ConfigureAwait(false);
        return request.ReasonCode;
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<ReasonCode>> OnSubscribeAsync(MqttConnection connection, SubscribePacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        return new([.. packet.Subscriptions.Select(static _ => ReasonCode.GrantedQoS0)]);
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<ReasonCode>> OnUnsubscribeAsync(MqttConnection connection, UnsubscribePacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        return new([.. packet.Filters.Select(static _ => ReasonCode.Success)]);
    }

    private sealed record Route(MqttTopicTemplate Template, Func<MqttTopicRequest, CancellationToken, ValueTask> Handler);
}
