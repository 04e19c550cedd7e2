using Mqtt.Protocol;

namespace Mqtt.Server.Connections;

/// <summary>What a client said in CONNECT about the packets that it wants to get: how large, and how talkative. Default: as large and talkative as may be.</summary>
internal readonly struct PeerTerms
{
    private readonly uint maximumBytes;
    private readonly bool wantsNoExplanation;

    public PeerTerms(ConnectPacket connect)
    {
        maximumBytes = connect.MaximumPacketSize ?? 0;
        wantsNoExplanation = connect.RequestProblemInformation == false;
    }

    private uint MaximumBytes => maximumBytes == 0 ? uint.MaxValue : maximumBytes;

    /// <summary>
    /// Leaves out what the client does not want or cannot take: reason string and user properties of an answer [MQTT-3.1.2-29]; if the packet is too
    /// large for it the reason string, then the user properties. False if it is too large all the same: then it is not sent [MQTT-3.1.2-24].
    /// </summary>
    public bool TryFit(MqttPacket packet, MqttProtocolVersion version)
    {
        if (version < MqttProtocolVersion.V500 || packet is PublishPacket)
            return Fits(packet, version);
        if (wantsNoExplanation && packet is not (ConnAckPacket or DisconnectPacket))
            Strip(packet, withUserProperties: true);
        if (Fits(packet, version))
            return true;
        Strip(packet, withUserProperties: false);
        if (Fits(packet, version))
            return true;
        Strip(packet, withUserProperties: true);
        return Fits(packet, version);
    }

    private bool Fits(MqttPacket packet, MqttProtocolVersion version) =>
        MaximumBytes == uint.MaxValue || MqttPacketWriter.Measure(packet, version) <= MaximumBytes;

    private static void Strip(MqttPacket packet, bool withUserProperties)
    {
        if (packet.Properties.IsEmpty)
            return;
        packet.Properties = packet.Properties.With(PropertyId.ReasonString, (MqttString?)null);
        if (withUserProperties)
            packet.Properties = packet.Properties.With(default(UserProperties));
    }
}
