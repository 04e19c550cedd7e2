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
    private readonly bool isPooled;
    private byte[]? frame;

    /// <summary>Encodes a message, which is only borrowed.</summary>
    /// <param name="packet">The message.</param>
    /// <param name="bytes">The length of the packet.</param>
    /// <param name="options">Version and clock are those of the client.</param>
    /// <param name="policy">What becomes of it while it cannot be sent.</param>
    /// <param name="entry">What is kept for it beside. Default: nothing.</param>
    /// <param name="endsAt">When it is of no use any more, if that was said to an earlier process. Default: the message says how long from now.</param>
    /// <exception cref="ArgumentException">The message cannot be sent in any way.</exception>
    public OutgoingPublish(PublishPacket packet, int bytes, MqttClientOptions options, MqttQueuePolicy policy, StoreEntry? entry = null, DateTimeOffset? endsAt = null)
    {
        Bytes = bytes;
        Policy = policy;
        Entry = entry;
        Place = new(this);
        QualityOfService = packet.QualityOfService;
        retain = packet.Retain;
        packet.PacketId = QualityOfService == QualityOfService.AtMostOnce ? (ushort)0 : ushort.MaxValue;

        // What a store is given is not used again for another message while it is being written.
        isPooled = options.Queue.Store is null;
        frame = isPooled ? BufferPool.Rent(bytes) : new byte[bytes];
        try
        {
            MqttPacketWriter.Write(frame.AsSpan(0, bytes), packet, options.ProtocolVersion);
        }
        catch (ArgumentException)
        {
            Release();
            throw;
        }

        topicLength = packet.Topic.Length;
        packetIdOffset = LengthOfFixedHeader(frame) + 2 + topicLength;
        if (!packet.Properties.IsEmpty && options.ProtocolVersion == MqttProtocolVersion.V500)
            Expiry = Countdown.Begin(options.TimeProvider, packet.Properties, bytes - packet.Payload.Length - packet.Properties.Encoded.Length, endsAt);
    }

    public QualityOfService QualityOfService { get; }

    /// <summary>What is kept for it beside, if it is stored, or if somebody waits for it to be in the queue.</summary>
    public StoreEntry? Entry { get; }

    /// <summary>True if nobody waits for the result from the beginning: it was enqueued, or an earlier process has published it.</summary>
    public bool IsEnqueued { get; init; }

    /// <summary>True if nobody would hear from a task what becomes of it.</summary>
    public bool IsUnwatched => IsEnqueued ? Entry!.IsTaken : IsAbandoned && Entry is not null;

    /// <summary>How long it is still of use; null: for ever.</summary>
    public Countdown? Expiry { get; }

    /// <summary>What becomes of it while it cannot be sent.</summary>
    public MqttQueuePolicy Policy { get; }

    /// <summary>Its place in the queue, while it waits there.</summary>
    public LinkedListNode<OutgoingPublish> Place { get; }

    /// <summary>The length of the packet.</summary>
    public int Bytes { get; }

    /// <summary>The topic, as it stands in the packet.</summary>
    public ReadOnlySpan<byte> Topic => frame.AsSpan(packetIdOffset - topicLength, topicLength);

    /// <summary>The same, for what outlives the packet.</summary>
    public MqttString TopicName => MqttString.FromUtf8(Topic.ToArray());

    /// <summary>The whole packet, for a store. Packet identifier, DUP and message expiry mean nothing in it.</summary>
    public ReadOnlyMemory<byte> Packet => frame.AsMemory(0, Bytes);

    /// <summary>How it ended.</summary>
    public Task<MqttPublishResult> Result => result.Task;

    /// <summary>True if nobody waits for the result any more: told of a failure, or cancelled.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>It has left, perhaps in an earlier process: what is sent again bears DUP, and may have been delivered.</summary>
    public bool WasSent { get; set; }

    /// <summary>False once it is done with.</summary>
    public bool HasPacket => frame is not null;

    /// <summary>What PUBREC said; the result once PUBCOMP has come.</summary>
    public MqttPublishResult Received { get; private set; }

    /// <summary>Why this server does not take it; null if it does.</summary>
    public MqttRefusedException? Refusal(MqttConnectResult accepted) => ServerLimits.Refusal(QualityOfService, retain, Bytes, accepted);

    /// <summary>The packet, to be sent now under this identifier.</summary>
    public ReadOnlySpan<byte> Frame(ushort packetId, bool duplicate)
    {
        var bytes = frame.AsSpan(0, Bytes);
        Expiry?.WriteTo(bytes);
        bytes[0] = (byte)(duplicate ? bytes[0] | DuplicateFlag : bytes[0] & ~DuplicateFlag);
        if (QualityOfService != QualityOfService.AtMostOnce)
            (bytes[packetIdOffset], bytes[packetIdOffset + 1]) = ((byte)(packetId >> 8), (byte)packetId);
        return bytes;
    }

    public void OnSent(long now)
    {
        SentAt = now;
        WasSent = true;
    }

    /// <summary>PUBREC has come: only PUBREL is sent from here on. What may be told of later keeps its topic.</summary>
    public void OnReceived(in MqttPublishResult value, long now)
    {
        Received = value;
        SentAt = now;
        if (Entry is null)
            Release();
    }

    public void Complete(in MqttPublishResult value)
    {
        Release();
        Entry?.OnTaken(isInQueue: true);
        result.TrySetResult(value);
    }

    /// <summary>It was dropped, before or after it was in the queue.</summary>
    public void Drop(in MqttPublishResult value)
    {
        Entry?.OnTaken(isInQueue: false);
        Complete(value);
    }

    /// <summary>Tells whoever waits; the message itself stays, and may be sent again.</summary>
    public void Abandon(Exception error)
    {
        if (!IsAbandoned && !IsEnqueued)
            result.TrySetException(error);
        IsAbandoned = true;
    }

    public void Fail(Exception error)
    {
        Release();
        if (Entry is { Number: 0 })
            Entry.OnNotTaken(error);
        Abandon(error);
    }

    /// <summary>Gives the bytes back; the message will not be sent again.</summary>
    public void Release()
    {
        if (frame is not null && isPooled)
            BufferPool.Return(frame);
        frame = null;
    }

    private static int LengthOfFixedHeader(ReadOnlySpan<byte> frame) => frame[1..].IndexOfAnyInRange((byte)0, (byte)0x7F) + 2;
}
