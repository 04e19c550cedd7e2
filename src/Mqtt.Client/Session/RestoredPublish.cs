using System.Buffers;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Client;

/// <summary>Makes messages of what an earlier process has stored, perhaps in another version of the protocol.</summary>
internal static class RestoredPublish
{
    /// <summary>The stored messages, each beside what it has become.</summary>
    /// <exception cref="MqttStoreException">One of them is no message.</exception>
    public static IReadOnlyList<(MqttStoredPublish Stored, OutgoingPublish Message)> Decode(IReadOnlyList<MqttStoredPublish> stored, MqttClientOptions options) =>
        [.. stored.Select(one => (one, Decode(one, options)))];

    private static OutgoingPublish Decode(in MqttStoredPublish stored, MqttClientOptions options)
    {
        try
        {
            RequireState(stored);
            var packet = Read(stored);
            if (options.ProtocolVersion != MqttProtocolVersion.V500)
                packet.Properties = default;
            var bytes = MqttPacketWriter.Measure(packet, options.ProtocolVersion);
            var policy = options.Queue.PolicyToEnqueue(packet.QualityOfService);
            var entry = new StoreEntry { Number = stored.Number, PacketId = stored.PacketId };
            entry.OnTaken(isInQueue: true);
            return new(packet, bytes, options, policy, entry, stored.Expires) { IsEnqueued = true, WasSent = stored.State != FlightState.None };
        }
        catch (Exception error) when (error is MqttProtocolException or ArgumentException)
        {
            throw new MqttStoreException($"Message {stored.Number} of the stored queue cannot be read: {error.Message}", error);
        }
    }

    private static void RequireState(in MqttStoredPublish stored)
    {
        if (stored.State > FlightState.AwaitingPubComp || (stored.State == FlightState.None) != (stored.PacketId == 0))
            throw new ArgumentException($"It is in state {stored.State} under the packet identifier {stored.PacketId}.");
    }

    private static PublishPacket Read(in MqttStoredPublish stored)
    {
        var bytes = new ReadOnlySequence<byte>(stored.Packet);
        var reader = new MqttPacketReader(stored.Version, MqttSender.Client) { AllowDisallowedCodePoints = true };
        if (reader.TryRead(ref bytes, out var packet) && packet is PublishPacket publish && bytes.IsEmpty)
        {
            publish.Duplicate = false;
            return publish;
        }

        throw new MqttProtocolException(ReasonCode.MalformedPacket, "It is no PUBLISH.");
    }
}
