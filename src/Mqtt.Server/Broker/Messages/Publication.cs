using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Broker.Messages;

/// <summary>
/// A message on its way to its subscribers: its parts, still in the publisher's packet, and its encodings, each made once for all
/// subscribers of a kind. If version and QoS are equal the incoming packet itself is the outgoing one. Whoever needs the message
/// longer takes <see cref="Stored"/>, one copy for all.
/// <para>A thread has one, and uses it for one message after the other: <see cref="Begin(PublishPacket, MqttString, bool, long, long)"/>, deliver, <see cref="End"/>.</para>
/// </summary>
internal sealed class Publication
{
    [ThreadStatic]
    private static Publication? ofThread;

    // Two bits: 5.0, with packet identifier.
    private const int Kinds = 4;

    private readonly Encoding[] encodings = new Encoding[Kinds];
    private byte[] scratch = [];
    private MessageParts parts;
    private StoredMessage? stored;
    private uint? expiry;

    /// <summary>The one of this thread.</summary>
    public static Publication OfThread => ofThread ??= new();

    /// <summary>Who may get the message, by client identifier; <see langword="null"/> for everybody. <see cref="End"/> forgets it.</summary>
    public Func<string, bool>? Receivers { get; set; }

    /// <summary>The message.</summary>
    public ref readonly MessageParts Parts => ref parts;

    /// <summary>The copy that outlives the packet; made at the first call. It lives until <see cref="End"/> unless it is held.</summary>
    public StoredMessage Stored => stored ??= StoredMessage.Copy(parts);

    /// <summary>Begins with a packet; <paramref name="topic"/> is its topic with the alias resolved, <paramref name="latest"/> the time to which the broker keeps it at most.</summary>
    public void Begin(PublishPacket packet, MqttString topic, bool isV5, long now, long latest)
    {
        var hasAlias = false;
        var properties = packet.Properties.IsEmpty ? default : Strip(packet.Properties, out hasAlias);
        var stated = expiry is { } seconds ? now + (seconds * 1000L) : MessageParts.NeverExpires;
        parts = new MessageParts
        {
            Topic = topic.Bytes,
            Properties = properties,
            Payload = packet.Payload,
            QualityOfService = packet.QualityOfService,
            Retain = packet.Retain,
            ExpiresAt = Math.Min(stated, latest),
            StatedExpiry = stated,
        };

        if (hasAlias || packet.Frame.IsEmpty)
            return;
        var withId = packet.QualityOfService != QualityOfService.AtMostOnce;
        encodings[Kind(isV5, withId)] = new Encoding(packet.Frame, withId ? IdAt(packet.Frame.Span, topic.Length) : 0, null);
    }

    /// <summary>Begins with a message that did not come in a packet, or came long ago.</summary>
    public void Begin(in MessageParts message, long now)
    {
        parts = message;
        expiry = message.ExpiryAt(now);
    }

    /// <summary>Begins with a message that is stored already; the caller goes on holding it.</summary>
    public void Begin(StoredMessage message, long now)
    {
        Begin(message.Parts, now);
        stored = message.Hold();
    }

    /// <summary>The packet as it is for subscribers of this kind, and where its identifier stands; the first byte is the subscriber's to set.</summary>
    public ReadOnlySpan<byte> Encoded(bool isV5, bool withId, out int idAt)
    {
        ref var encoding = ref encodings[Kind(isV5, withId)];
        if (encoding.Bytes.IsEmpty)
            encoding = Encode(isV5, withId);
        idAt = encoding.IdAt;
        return encoding.Bytes.Span;
    }

    /// <summary>The message is with everybody who gets it.</summary>
    public void End()
    {
        foreach (ref var encoding in encodings.AsSpan())
        {
            if (encoding.Rented is not null)
                BufferPool.Return(encoding.Rented);
            encoding = default;
        }

        stored?.Release();
        stored = null;
        expiry = null;
        Receivers = null;
        parts = default;
    }

    private Encoding Encode(bool isV5, bool withId)
    {
        var qualityOfService = withId ? QualityOfService.AtLeastOnce : QualityOfService.AtMostOnce;
        var size = PublishFrame.Measure(parts, isV5, qualityOfService, expiry, null);
        var rented = BufferPool.Rent(size);
        var idAt = PublishFrame.Write(rented.AsSpan(0, size), parts, isV5, qualityOfService, 0, 0, expiry, null);
        return new Encoding(rented.AsMemory(0, size), idAt, rented);
    }

    // Takes out what belongs to the publisher's connection, and the expiry, which is counted down.
    private ReadOnlyMemory<byte> Strip(MqttProperties properties, out bool hasAlias)
    {
        hasAlias = false;
        var kept = 0;
        if (scratch.Length < properties.Encoded.Length)
            scratch = new byte[properties.Encoded.Length];
        foreach (var property in properties)
        {
            switch (property.Id)
            {
                case PropertyId.TopicAlias:
                    hasAlias = true;
                    break;
                case PropertyId.MessageExpiryInterval:
                    expiry = property.Number;
                    break;
                case PropertyId.SubscriptionIdentifier:
                    break;
                default:
                    property.Encoded.CopyTo(scratch.AsMemory(kept));
                    kept += property.Encoded.Length;
                    break;
            }
        }

        return scratch.AsMemory(0, kept);
    }

    private static int Kind(bool isV5, bool withId) => (isV5 ? 2 : 0) | (withId ? 1 : 0);

    private static int IdAt(ReadOnlySpan<byte> frame, int topicLength)
    {
        var at = 1;
        while (frame[at++] >= 0x80)
        {
        }

        return at + 2 + topicLength;
    }

    private readonly record struct Encoding(ReadOnlyMemory<byte> Bytes, int IdAt, byte[]? Rented);
}
