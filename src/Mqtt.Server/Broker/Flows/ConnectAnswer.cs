using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Writes CONNACK: what the broker allows, as far as it is not what the client must expect anyway (section 3.2.2.3).</summary>
internal static class ConnectAnswer
{
    /// <summary>The answer that accepts. What 3.x cannot be told it is not told.</summary>
    public static ConnAckPacket Accept(MqttConnection connection, ConnectPacket packet, AuthenticationResult result, ClientLimits limits, MqttBrokerOptions options)
    {
        var answer = new ConnAckPacket();
        if (packet.Version != MqttProtocolVersion.V500)
            return answer;
        answer.ReceiveMaximum = (ushort)limits.ReceiveMaximum;
        answer.MaximumPacketSize = (uint)connection.MaximumPacketBytes;
        if (limits.TopicAliasMaximum > 0)
            answer.TopicAliasMaximum = (ushort)limits.TopicAliasMaximum;
        AddAvailable(answer, limits);
        if (limits.ExpiryOf(packet) is var expiry && expiry != (packet.SessionExpiryInterval ?? 0))
            answer.SessionExpiryInterval = expiry;
        if (limits.KeepAliveOf(packet) is var keepAlive && keepAlive != packet.KeepAliveSeconds)
            answer.ServerKeepAlive = keepAlive;
        if (packet.RequestResponseInformation == true || options.Compatibility.AlwaysSendResponseInformation)
            AddResponseInformation(answer, result.ResponseInformation ?? options.ResponseInformation);
        AddResult(answer, packet, result);
        return answer;
    }

    /// <summary>The answer that refuses.</summary>
    public static ConnAckPacket Refuse(ConnectPacket packet, AuthenticationResult result, MqttBrokerOptions options)
    {
        var answer = new ConnAckPacket { ReasonCode = options.Compatibility.Shown(result.ReasonCode) };
        if (packet.Version != MqttProtocolVersion.V500)
            return answer;
        if (result.ServerReference is { } reference)
            answer.ServerReference = reference;
        AddResult(answer, packet, result);
        return answer;
    }

    private static void AddAvailable(ConnAckPacket answer, ClientLimits limits)
    {
        if (limits.MaximumQualityOfService < QualityOfService.ExactlyOnce)
            answer.MaximumQoS = (byte)limits.MaximumQualityOfService;
        if (!limits.RetainAvailable)
            answer.RetainAvailable = false;
        if (!limits.WildcardSubscriptionAvailable)
            answer.WildcardSubscriptionAvailable = false;
        if (!limits.SubscriptionIdentifierAvailable)
            answer.SubscriptionIdentifierAvailable = false;
        if (!limits.SharedSubscriptionAvailable)
            answer.SharedSubscriptionAvailable = false;
    }

    // [MQTT-4.12.0-5]: a CONNACK to a client that named a method names it as well.
    private static void AddResult(ConnAckPacket answer, ConnectPacket packet, AuthenticationResult result)
    {
        if (result.ReasonString is not null)
            answer.ReasonString = result.ReasonString;
        if (result.UserProperties.GetEnumerator().MoveNext())
            answer.UserProperties = result.UserProperties;
        if (packet.AuthenticationMethod is not { } method || !result.IsAllowed)
            return;
        answer.AuthenticationMethod = method;
        if (result.AuthenticationData is not null)
            answer.AuthenticationData = result.AuthenticationData;
    }

    private static void AddResponseInformation(ConnAckPacket answer, string? information)
    {
        if (information is not null)
            answer.ResponseInformation = information;
    }
}
