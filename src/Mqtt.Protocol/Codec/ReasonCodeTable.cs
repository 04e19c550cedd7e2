using static Mqtt.Protocol.ReasonCode;

namespace Mqtt.Protocol;

/// <summary>
/// Which reason codes a packet of MQTT 5.0 may carry, and from whom: one row a packet, after the tables of sections 3.2.2.2,
/// 3.4.2.1 to 3.7.2.1, 3.9.3, 3.11.3, 3.14.2.1 and 3.15.2.1. The codec knows nothing about reason codes but this table.
/// </summary>
internal static class ReasonCodeTable
{
    private static readonly MqttSender[] Senders = Build();

    /// <summary>True if <paramref name="sender"/> may put <paramref name="code"/> into a packet of that type.</summary>
    public static bool Allows(MqttPacketType packet, ReasonCode code, MqttSender sender) => (Senders[Index(packet, code)] & sender) != 0;

    private static int Index(MqttPacketType packet, ReasonCode code) => ((int)packet << 8) | (int)code;

    private static MqttSender[] Build()
    {
        var rows = new MqttSender[16 << 8];
        void Add(MqttPacketType packet, MqttSender sender, params ReadOnlySpan<ReasonCode> codes)
        {
            foreach (var code in codes)
                rows[Index(packet, code)] = sender;
        }

        Add(MqttPacketType.ConnAck, MqttSender.Server,
            Success, UnspecifiedError, MalformedPacket, ProtocolError, ImplementationSpecificError, UnsupportedProtocolVersion,
            ClientIdentifierNotValid, BadUserNameOrPassword, NotAuthorized, ServerUnavailable, ServerBusy, Banned, BadAuthenticationMethod,
            TopicNameInvalid, PacketTooLarge, QuotaExceeded, PayloadFormatInvalid, RetainNotSupported, QoSNotSupported, UseAnotherServer,
            ServerMoved, ConnectionRateExceeded);

        foreach (var packet in (ReadOnlySpan<MqttPacketType>)[MqttPacketType.PubAck, MqttPacketType.PubRec])
        {
            Add(packet, MqttSender.Either,
                Success, UnspecifiedError, ImplementationSpecificError, NotAuthorized, TopicNameInvalid, PacketIdentifierInUse,
                QuotaExceeded, PayloadFormatInvalid);
            Add(packet, MqttSender.Server, NoMatchingSubscribers);
        }

        Add(MqttPacketType.PubRel, MqttSender.Either, Success, PacketIdentifierNotFound);
        Add(MqttPacketType.PubComp, MqttSender.Either, Success, PacketIdentifierNotFound);

        Add(MqttPacketType.SubAck, MqttSender.Server,
            GrantedQoS0, GrantedQoS1, GrantedQoS2, UnspecifiedError, ImplementationSpecificError, NotAuthorized, TopicFilterInvalid,
            PacketIdentifierInUse, QuotaExceeded, SharedSubscriptionsNotSupported, SubscriptionIdentifiersNotSupported,
            WildcardSubscriptionsNotSupported);

        Add(MqttPacketType.UnsubAck, MqttSender.Server,
            Success, NoSubscriptionExisted, UnspecifiedError, ImplementationSpecificError, NotAuthorized, TopicFilterInvalid,
            PacketIdentifierInUse);

        Add(MqttPacketType.Disconnect, MqttSender.Either,
            NormalDisconnection, UnspecifiedError, MalformedPacket, ProtocolError, ImplementationSpecificError, TopicNameInvalid,
            ReceiveMaximumExceeded, TopicAliasInvalid, PacketTooLarge, MessageRateTooHigh, QuotaExceeded, AdministrativeAction,
            PayloadFormatInvalid);
        // Only table 2-6 gives this code to DISCONNECT; either side may need it when a re-authentication fails (section 4.12.1).
        Add(MqttPacketType.Disconnect, MqttSender.Either, BadAuthenticationMethod);
        Add(MqttPacketType.Disconnect, MqttSender.Client, DisconnectWithWillMessage);
        Add(MqttPacketType.Disconnect, MqttSender.Server,
            NotAuthorized, ServerBusy, ServerShuttingDown, KeepAliveTimeout, SessionTakenOver, TopicFilterInvalid,
            RetainNotSupported, QoSNotSupported, UseAnotherServer, ServerMoved, SharedSubscriptionsNotSupported, ConnectionRateExceeded,
            MaximumConnectTime, SubscriptionIdentifiersNotSupported, WildcardSubscriptionsNotSupported);

        Add(MqttPacketType.Auth, MqttSender.Either, ContinueAuthentication);
        Add(MqttPacketType.Auth, MqttSender.Server, Success);
        Add(MqttPacketType.Auth, MqttSender.Client, ReAuthenticate);
        return rows;
    }
}
