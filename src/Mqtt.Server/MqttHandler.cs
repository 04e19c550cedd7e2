using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Server;

/// <summary>
/// A handler that answers every packet as the standard demands: it accepts every connection, acknowledges every message and
/// delivers nothing. A gateway derives from it and overrides what it cares about.
/// </summary>
public abstract class MqttHandler : IMqttHandler
{
    /// <inheritdoc/>
    public async ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet)
    {
        ArgumentNullException.ThrowIfNull(connection);
        switch (packet)
        {
            case ConnectPacket connect:
                connection.Send(await OnConnectAsync(connection, connect).ConfigureAwait(false));
                break;
            case PublishPacket publish:
                await PublishAsync(connection, publish).ConfigureAwait(false);
                break;
            case PubRelPacket release:
                var known = connection.Arrivals.OnPubRel(release.PacketId);
                connection.Send(new PubCompPacket { PacketId = release.PacketId, ReasonCode = known ? ReasonCode.Success : ReasonCode.PacketIdentifierNotFound });
                break;
            case PubAckPacket or PubRecPacket or PubCompPacket:
                await OnAcknowledgedAsync(connection, (PublishResponsePacket)packet).ConfigureAwait(false);
                break;
            case SubscribePacket subscribe:
                var granted = await OnSubscribeAsync(connection, subscribe).ConfigureAwait(false);
                connection.Send(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = granted });
                break;
            case UnsubscribePacket unsubscribe:
                var ended = await OnUnsubscribeAsync(connection, unsubscribe).ConfigureAwait(false);
                connection.Send(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = ended });
                break;
            case PingReqPacket:
                connection.Send(new PingRespPacket());
                break;
            case DisconnectPacket disconnect:
                await OnDisconnectAsync(connection, disconnect).ConfigureAwait(false);
                connection.Close();
                break;
            case AuthPacket:
                throw new MqttProtocolException(ReasonCode.ProtocolError, "AUTH without an authentication method in CONNECT [MQTT-4.12.0-7].");
            default:
                throw new MqttProtocolException(ReasonCode.ProtocolError, "A client does not send this packet.");
        }
    }

    /// <inheritdoc/>
    public virtual ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause) => ValueTask.CompletedTask;

    /// <summary>
    /// A client asks to connect. The answer is sent; one that refuses closes the connection. Default: accepts, and names an empty
    /// client identifier; the session never outlives the connection.
    /// </summary>
    protected virtual ValueTask<ConnAckPacket> OnConnectAsync(MqttConnection connection, ConnectPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        var answer = new ConnAckPacket { SharedSubscriptionAvailable = false };
        if (packet.ClientId.IsEmpty)
            answer.AssignedClientIdentifier = Guid.NewGuid().ToString("N");
        return new(answer);
    }

    /// <summary>A message came. The result is what QoS 1 and 2 are acknowledged with; a repeated QoS 2 message does not come here again. Default: success.</summary>
    protected virtual ValueTask<ReasonCode> OnPublishAsync(MqttConnection connection, PublishPacket packet) => new(ReasonCode.Success);

    /// <summary>A client subscribes. One code for each filter: the granted QoS or a refusal. Default: every filter is refused (0x83), since nothing would come.</summary>
    protected virtual ValueTask<IReadOnlyList<ReasonCode>> OnSubscribeAsync(MqttConnection connection, SubscribePacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        var refusal = connection.Version == MqttProtocolVersion.V500 ? ReasonCode.ImplementationSpecificError : ReasonCode.UnspecifiedError;
        return new([.. packet.Subscriptions.Select(_ => refusal)]);
    }

    /// <summary>A client unsubscribes. One code for each filter. Default: no subscription existed.</summary>
    protected virtual ValueTask<IReadOnlyList<ReasonCode>> OnUnsubscribeAsync(MqttConnection connection, UnsubscribePacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        return new([.. packet.Filters.Select(_ => ReasonCode.NoSubscriptionExisted)]);
    }

    /// <summary>The client acknowledged a message that this handler sent. Default: PUBREC is answered by PUBREL, nothing else happens.</summary>
    protected virtual ValueTask OnAcknowledgedAsync(MqttConnection connection, PublishResponsePacket packet)
    {
        if (packet is PubRecPacket { ReasonCode: < ReasonCode.UnspecifiedError } received)
            connection.Send(new PubRelPacket { PacketId = received.PacketId });
        return ValueTask.CompletedTask;
    }

    /// <summary>The client says goodbye; the connection is closed afterwards. Default: nothing.</summary>
    protected virtual ValueTask OnDisconnectAsync(MqttConnection connection, DisconnectPacket packet) => ValueTask.CompletedTask;

    private async ValueTask PublishAsync(MqttConnection connection, PublishPacket publish)
    {
        if (publish.TopicAlias is not null)
            throw new MqttProtocolException(ReasonCode.TopicAliasInvalid, "This server did not offer topic aliases.");
        var (qualityOfService, packetId) = (publish.QualityOfService, publish.PacketId);
        if (qualityOfService == QualityOfService.ExactlyOnce && connection.Arrivals.OnPublish(qualityOfService, packetId) == ArrivalOutcome.Duplicate)
        {
            connection.Send(new PubRecPacket { PacketId = packetId });
            return;
        }

        var result = await OnPublishAsync(connection, publish).ConfigureAwait(false);
        if (qualityOfService == QualityOfService.AtLeastOnce)
        {
            connection.Send(new PubAckPacket { PacketId = packetId, ReasonCode = result });
        }
        else if (qualityOfService == QualityOfService.ExactlyOnce)
        {
            if (result >= ReasonCode.UnspecifiedError)
                connection.Arrivals.OnRefused(packetId);
            connection.Send(new PubRecPacket { PacketId = packetId, ReasonCode = result });
        }
    }
}
