using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

/// <summary>
/// A message that is on its way: encoded once, so that it can be sent when there is room, and again on the next connection. The
/// session's lock guards it; whoever published it awaits <see cref="Result"/>.
/// </summary>
internal sealed class OutgoingPublish : Flight
{
    private const byte DuplicateFlag = 0x08;

    private readonly TaskCompletionSource<MqttPublishResult> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly int packetIdOffset;
    private readonly int topicLength;
    private readonly bool retain;
    private byte[]? frame;

    public OutgoingPublish(PublishPacket packet, int bytes, MqttProtocolVersion version, MqttQueuePolicy policy)
    {
        Bytes = bytes;
        Policy = policy;
        Place = new(this);
        QualityOfService = packet.QualityOfService;
        retain = packet.Retain;
        packet.PacketId = QualityOfService == QualityOfService.AtMostOnce ? (ushort)0 : ushort.MaxValue;
        frame = BufferPool.Rent(bytes);
        try
        {
            MqttPacketWriter.Write(frame.AsSpan(0, bytes), packet, version);
        }
        catch (ArgumentException)
        {
            Release();
            throw;
        }

        topicLength = packet.Topic.Length;
        packetIdOffset = LengthOfFixedHeader(frame) + 2 + topicLength;
    }

    public QualityOfService QualityOfService { get; }

    /// <summary>What becomes of it while it cannot be sent.</summary>
    public MqttQueuePolicy Policy { get; }

    /// <summary>Its place in the queue, while it waits there.</summary>
    public LinkedListNode<OutgoingPublish> Place { get; }

    /// <summary>The length of the packet.</summary>
    public int Bytes { get; }

    /// <summary>The topic, as it stands in the packet.</summary>
    public ReadOnlySpan<byte> Topic => frame.AsSpan(packetIdOffset - topicLength, topicLength);

    /// <summary>How it ended.</summary>
    public Task<MqttPublishResult> Result => result.Task;

    /// <summary>True if nobody waits for the result any more: told of a failure, or cancelled.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>What PUBREC said; the result once PUBCOMP has come.</summary>
    public MqttPublishResult Received { get; private set; }

    /// <summary>Why this server does not take it; null if it does.</summary>
    public MqttRefusedException? Refusal(MqttConnectResult accepted) => ServerLimits.Refusal(QualityOfService, retain, Bytes, accepted);

    /// <summary>The packet, to be sent under this identifier.</summary>
    public ReadOnlySpan<byte> Frame(ushort packetId, bool duplicate)
    {
        var bytes = frame.AsSpan(0, Bytes);
        bytes[0] = (byte)(duplicate ? bytes[0] | DuplicateFlag : bytes[0] & ~DuplicateFlag);
        if (QualityOfService != QualityOfService.AtMostOnce)
            (bytes[packetIdOffset], bytes[packetIdOffset + 1]) = ((byte)(packetId >> 8), (byte)packetId);
        return bytes;
    }

    /// <summary>PUBREC has come: only PUBREL is sent from here on.</summary>
    public void OnReceived(in MqttPublishResult value, long now)
    {
        Received = value;
        SentAt = now;
        Release();
    }

    public void Complete(in MqttPublishResult value)
    {
        Release();
        result.TrySetResult(value);
    }

    /// <summary>Tells whoever waits; the message itself stays, and may be sent again.</summary>
    public void Abandon(Exception error)
    {
        if (!IsAbandoned)
            result.TrySetException(error);
        IsAbandoned = true;
    }

    public void Fail(Exception error)
    {
        Release();
        Abandon(error);
    }

    /// <summary>Gives the bytes back; the message will not be sent again.</summary>
    public void Release()
    {
        if (frame is not null)
            BufferPool.Return(frame);
        frame = null;
    }

    private static int LengthOfFixedHeader(ReadOnlySpan<byte> frame) => frame[1..].IndexOfAnyInRange((byte)0, (byte)0x7F) + 2;
}
