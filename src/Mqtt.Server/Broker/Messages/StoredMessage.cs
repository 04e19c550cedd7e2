using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Broker.Messages;

/// <summary>
/// A message that outlives the packet it came in: one copy, shared by every queue, window and retained topic that holds it, and
/// counted. Who takes it calls <see cref="Hold"/>, who lets go calls <see cref="Release"/>; the last one gives the memory back.
/// Any thread.
/// </summary>
internal sealed class StoredMessage
{
    private const int KeptInstances = 16_384;

    private const int KeptByThread = 1024;

    private static readonly Lock PoolGate = new();
    private static readonly Stack<StoredMessage> Pool = new();

    [ThreadStatic]
    private static Stack<StoredMessage>? poolOfThread;

    // The parts one after the other. Offsets in place of slices: there are millions of these objects.
    private byte[] buffer = [];
    private ushort topicLength;
    private int propertiesLength;
    private int payloadLength;
    private QualityOfService qualityOfService;
    private bool retain;
    private long expiresAt;
    private long statedExpiry;
    private int holders;
    private long id;

    private StoredMessage()
    {
    }

    /// <summary>The message; its memory belongs to this object.</summary>
    public MessageParts Parts => new()
    {
        Topic = Topic,
        Properties = buffer.AsMemory(topicLength, propertiesLength),
        Payload = buffer.AsMemory(topicLength + propertiesLength, payloadLength),
        QualityOfService = qualityOfService,
        Retain = retain,
        ExpiresAt = expiresAt,
        StatedExpiry = statedExpiry,
    };

    /// <inheritdoc cref="MessageParts.Topic"/>
    public ReadOnlyMemory<byte> Topic => buffer.AsMemory(0, topicLength);

    /// <inheritdoc cref="MessageParts.QualityOfService"/>
    public QualityOfService QualityOfService => qualityOfService;

    /// <inheritdoc cref="MessageParts.Retain"/>
    public bool Retain => retain;

    /// <inheritdoc cref="MessageParts.ExpiresAt"/>
    public long ExpiresAt => expiresAt;

    /// <inheritdoc cref="MessageParts.Bytes"/>
    public int Bytes => topicLength + propertiesLength + payloadLength;

    /// <summary>A number of its own, for stores that keep a message once for many sessions.</summary>
    public long Id
    {
        get
        {
            if (Volatile.Read(ref id) == 0)
                Interlocked.CompareExchange(ref id, Interlocked.Increment(ref lastId), 0);
            return id;
        }
    }

    private static long lastId;

    /// <summary>Copies a message. The caller holds it.</summary>
    public static StoredMessage Copy(in MessageParts parts)
    {
        var message = Take();
        var buffer = BufferPool.Rent(parts.Bytes);
        parts.Topic.CopyTo(buffer);
        parts.Properties.CopyTo(buffer.AsMemory(parts.Topic.Length));
        parts.Payload.CopyTo(buffer.AsMemory(parts.Topic.Length + parts.Properties.Length));
        message.buffer = buffer;
        message.topicLength = (ushort)parts.Topic.Length;
        message.propertiesLength = parts.Properties.Length;
        message.payloadLength = parts.Payload.Length;
        message.qualityOfService = parts.QualityOfService;
        message.retain = parts.Retain;
        message.expiresAt = parts.ExpiresAt;
        message.statedExpiry = parts.StatedExpiry;
        message.holders = 1;
        return message;
    }

    /// <summary>One holder more.</summary>
    public StoredMessage Hold()
    {
        Interlocked.Increment(ref holders);
        return this;
    }

    /// <summary>One holder less.</summary>
    public void Release()
    {
        var left = Interlocked.Decrement(ref holders);
        if (left > 0)
            return;
        if (left < 0)
            throw new InvalidOperationException("A message was released more often than it was held.");
        BufferPool.Return(buffer);
        buffer = [];
        (topicLength, propertiesLength, payloadLength) = (0, 0, 0);
        id = 0;
        var own = poolOfThread ??= new(KeptByThread);
        if (own.Count < KeptByThread)
        {
            own.Push(this);
            return;
        }

        lock (PoolGate)
        {
            if (Pool.Count < KeptInstances)
                Pool.Push(this);
        }
    }

    private static StoredMessage Take()
    {
        if (poolOfThread is { } own && own.TryPop(out var mine))
            return mine;
        lock (PoolGate)
        {
            if (Pool.TryPop(out var message))
                return message;
        }

        return new StoredMessage();
    }
}
