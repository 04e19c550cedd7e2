using System.Text;

namespace Mqtt.Protocol.Tests.Codec;

/// <summary>Says everything that a packet says, in one line; two packets are equal if their lines are.</summary>
internal static class PacketText
{
    public static string Of(MqttPacket packet)
    {
        var text = new StringBuilder(packet.Type.ToString().ToUpperInvariant());
        switch (packet)
        {
            case ConnectPacket connect:
                Describe(text, connect);
                break;
            case ConnAckPacket connAck:
                text.Append(connAck.SessionPresent ? " present" : "").Append(' ').Append(Hex(connAck.ReasonCode));
                break;
            case PublishPacket publish:
                Describe(text, publish);
                break;
            case PublishResponsePacket response:
                text.Append(' ').Append(response.PacketId).Append(' ').Append(Hex(response.ReasonCode));
                break;
            case SubscribePacket subscribe:
                Describe(text, subscribe);
                break;
            case SubAckPacket subAck:
                text.Append(' ').Append(subAck.PacketId).Append(' ').AppendJoin(' ', subAck.ReasonCodes.Select(Hex));
                break;
            case UnsubscribePacket unsubscribe:
                text.Append(' ').Append(unsubscribe.PacketId).Append(' ').AppendJoin(' ', unsubscribe.Filters.Select(filter => Quote(filter.Bytes)));
                break;
            case UnsubAckPacket unsubAck:
                text.Append(' ').Append(unsubAck.PacketId).Append(' ').AppendJoin(' ', unsubAck.ReasonCodes.Select(Hex));
                break;
            case DisconnectPacket disconnect:
                text.Append(' ').Append(Hex(disconnect.ReasonCode));
                break;
            case AuthPacket auth:
                text.Append(' ').Append(Hex(auth.ReasonCode));
                break;
        }

        return text.ToString().TrimEnd() + Properties(packet.Properties);
    }

    private static void Describe(StringBuilder text, ConnectPacket packet)
    {
        text.Append(packet.Version switch { MqttProtocolVersion.V310 => " 3.1", MqttProtocolVersion.V311 => " 3.1.1", _ => " 5.0" });
        text.Append(packet.IsBridge ? " bridge" : "").Append(packet.CleanStart ? " clean" : "");
        text.Append(" keepalive=").Append(packet.KeepAliveSeconds).Append(" client=").Append(Quote(packet.ClientId.Bytes));
        if (packet.Will is { } will)
        {
            text.Append(" will(q").Append((int)will.QualityOfService).Append(will.Retain ? " retain " : " ").Append(Quote(will.Topic.Bytes));
            text.Append(' ').Append(Quote(will.Payload)).Append(Properties(will.Properties)).Append(')');
        }

        if (packet.UserName is { } userName)
            text.Append(" user=").Append(Quote(userName.Bytes));
        if (packet.Password is { } password)
            text.Append(" password=").Append(Quote(password));
    }

    private static void Describe(StringBuilder text, PublishPacket packet)
    {
        text.Append(" q").Append((int)packet.QualityOfService).Append(packet.Duplicate ? " dup" : "").Append(packet.Retain ? " retain" : "");
        text.Append(packet.PacketId != 0 ? $" id={packet.PacketId}" : "");
        text.Append(' ').Append(Quote(packet.Topic.Bytes)).Append(' ').Append(Quote(packet.Payload));
    }

    private static void Describe(StringBuilder text, SubscribePacket packet)
    {
        text.Append(' ').Append(packet.PacketId);
        foreach (var subscription in packet.Subscriptions)
        {
            text.Append(' ').Append(Quote(subscription.Filter.Bytes)).Append(" q").Append((int)subscription.QualityOfService);
            text.Append(subscription.NoLocal ? " nl" : "").Append(subscription.RetainAsPublished ? " rap" : "");
            text.Append(subscription.RetainHandling > 0 ? $" rh{(int)subscription.RetainHandling}" : "");
        }
    }

    private static string Properties(MqttProperties properties) =>
        properties.IsEmpty ? "" : $" {{{string.Join(' ', properties.Select(property => $"{property.Id}={Value(property)}"))}}}";

    private static string Value(MqttProperty property) => property.Type switch
    {
        PropertyType.StringPair => $"{Quote(property.Bytes)}:{Quote(property.PairValue)}",
        PropertyType.String or PropertyType.Binary => Quote(property.Bytes),
        _ => $"{property.Number}",
    };

    // Long values are told by their ends and their length.
    private static string Quote(ReadOnlyMemory<byte> bytes)
    {
        var text = new StringBuilder("'");
        foreach (var rune in (bytes.Length > 1000 ? bytes[..4] : bytes).ToArray())
            text.Append(rune is >= 0x20 and < 0x7F ? ((char)rune).ToString() : $"\\{rune:X2}");
        return text.Append('\'').Append(bytes.Length > 1000 ? $"*{bytes.Length}" : "").ToString();
    }

    private static string Hex(ReasonCode code) => $"{(int)code:X2}";
}
