using Mqtt.Protocol;
using Mqtt.Server.Broker.Flows;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Retained;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Services;

/// <summary>The retained messages. Any thread; what is returned owns its memory.</summary>
public sealed class BrokerRetained
{
    private readonly RetainedMessages retained;
    private readonly SessionContext context;
    private readonly EmbeddingFlow embedding;

    internal BrokerRetained(RetainedMessages retained, SessionContext context, EmbeddingFlow embedding)
    {
        this.retained = retained;
        this.context = context;
        this.embedding = embedding;
    }

    /// <summary>How many topics have one, those of <c>$SYS</c> included.</summary>
    public int Count => retained.Count;

    /// <summary>The message of a topic; <see langword="null"/> if it has none.</summary>
    public PublishPacket? Find(MqttString topic) => MqttTopic.HasWildcard(topic.Span) ? null : All(topic).FirstOrDefault();

    /// <summary>A page of the messages whose topics match, in the order of the topics (ordinal).</summary>
    /// <param name="filter">The topic filter.</param>
    /// <param name="after">The last topic of the page before. Default: none, the first page.</param>
    /// <param name="count">How many at most. Default: 20.</param>
    /// <exception cref="ArgumentException">The filter is not well formed.</exception>
    public IReadOnlyList<PublishPacket> Page(MqttString filter, string? after = null, int count = 20)
    {
        if (!MqttTopic.IsValidFilter(filter.Span))
            throw new ArgumentException($"\"{filter}\" is not a topic filter.", nameof(filter));
        return Pages.Cut(All(filter), message => message.Topic.ToString(), after, count);
    }

    /// <summary>Deletes the message of a topic, and completes when that is safe; false if there is none. Nobody is told.</summary>
    public ValueTask<bool> DeleteAsync(MqttString topic, CancellationToken cancellationToken = default) => embedding.DeleteRetainedAsync(topic, cancellationToken);

    private IEnumerable<PublishPacket> All(MqttString filter)
    {
        foreach (var message in retained.Find(filter, context.Now, context.Hooks.Retained))
        {
            var packet = PacketOf(message.Parts, context.Now);
            message.Release();
            yield return packet;
        }
    }

    private static PublishPacket PacketOf(in MessageParts parts, long now)
    {
        var packet = new PublishPacket
        {
            Topic = MqttString.FromUtf8(parts.Topic).ToOwned(),
            Payload = parts.Payload.ToArray(),
            QualityOfService = parts.QualityOfService,
            Retain = true,
            Properties = MqttProperties.FromEncoded(parts.Properties).ToOwned(),
        };
        if (parts.ExpiryAt(now) is { } seconds)
            packet.MessageExpiryInterval = seconds;
        return packet;
    }
}
