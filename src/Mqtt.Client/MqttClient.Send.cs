namespace Mqtt.Client;

// For who needs the protocol itself.
public sealed partial class MqttClient
{
    /// <summary>
    /// Authenticates anew on the present connection (5.0, section 4.12.1), with the method and the exchange of <see cref="MqttClientOptions.Authentication"/>; messages
    /// go on flowing meanwhile. Where it fails, for whatever reason, the connection ends, since the standard wants that.
    /// </summary>
    /// <param name="cancellationToken">Gives up, which ends the connection.</param>
    /// <exception cref="MqttRefusedException">The server has ended the connection, with its reason.</exception>
    /// <exception cref="MqttConnectionException">There is no connection, it went meanwhile, or the server did not answer within <see cref="MqttClientTimeouts.Acknowledgement"/>.</exception>
    /// <exception cref="MqttProtocolException">The server broke the protocol.</exception>
    /// <exception cref="InvalidOperationException">The options ask for no enhanced authentication, or one is under way.</exception>
    public async Task ReauthenticateAsync(CancellationToken cancellationToken = default)
    {
        // [MQTT-4.12.0-7]: no AUTH without a method in CONNECT.
        if (Options.Authentication is null)
            throw new InvalidOperationException($"{nameof(MqttClientOptions)}.{nameof(MqttClientOptions.Authentication)} names no method.");
        session.BeginAwaiting();
        try
        {
            await session.ReauthenticateAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            session.EndAwaiting();
        }
    }

    /// <summary>
    /// Sends a packet as it stands, and returns the packet that answers it, if the protocol has one: for tools, and for what this client has no better word for.
    /// <list type="bullet">
    /// <item>PUBLISH: nothing at QoS 0; PUBACK at QoS 1; at QoS 2 PUBCOMP, or the PUBREC that refuses. Interceptors do not see it.</item>
    /// <item>SUBSCRIBE: SUBACK; UNSUBSCRIBE: UNSUBACK. Subscriptions are the server's alone: messages that no stream of this client claims go to <see cref="Unclaimed"/>, and
    /// a server that loses the session is not told again.</item>
    /// <item>PINGREQ: PINGRESP. DISCONNECT: nothing; it ends the connection as <see cref="DisconnectAsync(DisconnectPacket, CancellationToken)"/> does.</item>
    /// </list>
    /// What belongs to the session is not to be sent: CONNECT, AUTH (see <see cref="ReauthenticateAsync"/>), acknowledgements; and the session gives out packet identifiers, subscription
    /// identifiers and topic aliases itself: the packet must have none, and the answer to a PUBLISH does not show the one that was used.
    /// </summary>
    /// <param name="packet">The packet; it may be used again once this has returned.</param>
    /// <param name="cancellationToken">Ends the wait for the answer; what was sent stays sent.</param>
    /// <exception cref="ArgumentException">The packet is not for the application to send, or cannot be sent in any way.</exception>
    /// <exception cref="MqttConnectionException">There is no connection, or it went before the answer.</exception>
    /// <exception cref="MqttRefusedException">The message goes beyond what the server announced. It was not sent.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public ValueTask<MqttPacket?> SendAsync(MqttPacket packet, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(packet);
        RequireSendable(packet);
        return packet switch
        {
            PublishPacket publish => SendAsync(publish, cancellationToken),
            DisconnectPacket disconnect => SendAsync(disconnect, cancellationToken),
            _ => new(RequestAsync(packet, cancellationToken)),
        };
    }

    private async Task<MqttPacket?> RequestAsync(MqttPacket packet, CancellationToken cancellationToken)
    {
        session.BeginAwaiting();
        try
        {
            return await session.RequestAsync(packet).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            session.EndAwaiting();
        }
    }

    private async ValueTask<MqttPacket?> SendAsync(PublishPacket packet, CancellationToken cancellationToken)
    {
        var qualityOfService = packet.QualityOfService;
        var copy = new PublishPacket
        {
            Topic = packet.Topic,
            Payload = packet.Payload,
            QualityOfService = qualityOfService,
            Retain = packet.Retain,
            Properties = packet.Properties,
        };
        var result = await session.PublishAsync(copy, wanted: null, cancellationToken).ConfigureAwait(false);
        PublishResponsePacket? answer = qualityOfService switch
        {
            QualityOfService.AtMostOnce => null,
            QualityOfService.AtLeastOnce => new PubAckPacket { ReasonCode = result.ReasonCode },
            _ when result.IsSuccess => new PubCompPacket(),
            _ => new PubRecPacket { ReasonCode = result.ReasonCode },
        };
        if (answer is not null && result.ReasonString is { } text)
            answer.ReasonString = text;
        return answer;
    }

    private async ValueTask<MqttPacket?> SendAsync(DisconnectPacket packet, CancellationToken cancellationToken)
    {
        await DisconnectAsync(packet, cancellationToken).ConfigureAwait(false);
        return null;
    }

    private static void RequireSendable(MqttPacket packet)
    {
        var mine = packet switch
        {
            PublishPacket { PacketId: not 0 } or SubscribePacket { PacketId: not 0 } or UnsubscribePacket { PacketId: not 0 } => "packet identifiers",
            PublishPacket { TopicAlias: not null } => "topic aliases",
            SubscribePacket { SubscriptionIdentifier: not null } => "subscription identifiers",
            PublishPacket { Duplicate: true } => "resending",
            PublishPacket or SubscribePacket or UnsubscribePacket or PingReqPacket or DisconnectPacket => null,
            _ => $"{packet.Type} packets",
        };
        if (mine is not null)
            throw new ArgumentException($"The session of the client itself takes care of {mine}.", nameof(packet));
    }
}
