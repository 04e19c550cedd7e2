using Mqtt.Protocol;

namespace Mqtt.Server.Broker.InProcess;

/// <summary>
/// The QoS 1 and 2 messages that an in-process client has and has not acknowledged, in the order in which they came: acknowledgements leave in that
/// order [MQTT-4.6.0-2] [MQTT-4.6.0-3], each once everybody who got the message is done with it. Any thread; its lock is a leaf.
/// </summary>
/// <param name="send">Sends an acknowledgement, outside the lock.</param>
internal sealed class Receipts(Action<MqttPacket> send)
{
    private readonly Lock gate = new();
    private readonly Queue<Receipt> receipts = new();
    private bool isSending;

    /// <summary>A message came that so many get.</summary>
    public Receipt Add(PublishPacket message, int receivers)
    {
        var receipt = new Receipt(this, message.QualityOfService, message.PacketId, receivers);
        lock (gate)
            receipts.Enqueue(receipt);
        return receipt;
    }

    private void OnDone(Receipt receipt)
    {
        lock (gate)
        {
            if (--receipt.Left > 0 || isSending)
                return;
            isSending = true;
        }

        while (TryTakeDone(out var packet))
            send(packet);
    }

    private bool TryTakeDone([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out MqttPacket? packet)
    {
        lock (gate)
        {
            packet = null;
            isSending = receipts.TryPeek(out var first) && first.Left == 0;
            if (!isSending)
                return false;
            receipts.Dequeue();
            packet = first!.QualityOfService == QualityOfService.AtLeastOnce
                ? new PubAckPacket { PacketId = first.PacketId }
                : new PubRecPacket { PacketId = first.PacketId };
            return true;
        }
    }

    /// <summary>One message of QoS 1 or 2.</summary>
    internal sealed class Receipt(Receipts owner, QualityOfService qualityOfService, ushort packetId, int receivers)
    {
        public QualityOfService QualityOfService => qualityOfService;

        public ushort PacketId => packetId;

        /// <summary>How many have it still. Under the gate.</summary>
        public int Left { get; set; } = receivers;

        /// <summary>One of those who got the message is done with it.</summary>
        public void OnDone() => owner.OnDone(this);
    }
}
