using Mqtt.Protocol;

namespace Mqtt.Testing;

/// <summary>Says in one line what a packet is, for messages and transcripts.</summary>
internal static class PacketText
{
    private const int ShownBytes = 24;

    public static string Of(MqttPacket packet) => Name(packet.GetType()) + packet switch
    {
        ConnectPacket connect => $" {connect.Version} as '{connect.ClientId}', clean start {connect.CleanStart}",
        ConnAckPacket answer => $" {answer.ReasonCode}, session present {answer.SessionPresent}",
        PublishPacket publish => Publish(publish),
        PublishResponsePacket response => $" {response.PacketId} {response.ReasonCode}",
        SubscribePacket subscribe => $" {subscribe.PacketId}",
        SubAckPacket answer => $" {answer.PacketId}",
        UnsubscribePacket unsubscribe => $" {unsubscribe.PacketId}",
        UnsubAckPacket answer => $" {answer.PacketId}",
        DisconnectPacket disconnect => $" {disconnect.ReasonCode}",
        AuthPacket auth => $" {auth.ReasonCode}",
        _ => "",
    };

    /// <summary>The name of a kind of packet as the standard writes it.</summary>
    public static string Name(Type type) => type == typeof(MqttPacket) ? "a packet" : type.Name.Replace("Packet", "", StringComparison.Ordinal).ToUpperInvariant();

    public static string Of(ReadOnlySpan<byte> bytes) =>
        bytes.Length <= ShownBytes ? Convert.ToHexString(bytes) : $"{Convert.ToHexString(bytes[..ShownBytes])}... ({bytes.Length} bytes)";

    private static string Publish(PublishPacket publish) =>
        $" '{publish.Topic}' QoS {(int)publish.QualityOfService}{(publish.PacketId == 0 ? "" : $" id {publish.PacketId}")}" +
        $"{(publish.Duplicate ? " DUP" : "")}{(publish.Retain ? " RETAIN" : "")}, {publish.Payload.Length} bytes";
}
