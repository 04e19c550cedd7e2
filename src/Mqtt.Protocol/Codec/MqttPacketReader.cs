using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;

namespace Mqtt.Protocol;

/// <summary>
/// Reads the packets of one direction of one connection; not for several threads at once. Every rule that one packet can break by
/// itself is checked here, and that a client sends CONNECT once: broken, it throws <see cref="MqttProtocolException"/> with the reason code of
/// the standard, and nothing else.
/// <para>
/// A packet is borrowed: it consists of slices of the bytes it was read from, and the reader uses its one PUBLISH, its
/// acknowledgements and its pings again for the next packet. <see cref="Detach"/> leaves them to the caller.
/// </para>
/// </summary>
public sealed class MqttPacketReader
{
    /// <summary>The largest packet that there can be, in bytes: five bytes of fixed header and 268,435,455 more.</summary>
    public const int LargestPacketBytes = FixedHeader.MaximumLength + (int)VariableByteInteger.Maximum;

    // A packet that came in pieces is gathered here. Larger ones get an array of their own, which is not kept.
    private const int KeptBufferBytes = 64 * 1024;
    private byte[] gathered = [];

    // Packets that are read again and again are made once.
    private PublishPacket? publish;
    private PubAckPacket? pubAck;
    private PubRecPacket? pubRec;
    private PubRelPacket? pubRel;
    private PubCompPacket? pubComp;
    private PingReqPacket? pingReq;
    private PingRespPacket? pingResp;

    // A client's CONNECT was read.
    private bool isConnectRead;

    // What ReadAsync has taken from a pipe and not given back, since the packet handed out last lies in it.
    private PipeReader? source;
    private ReadOnlySequence<byte> rest;
    private bool isLast;

    /// <summary>Creates a reader.</summary>
    /// <param name="version">How packets are written until a CONNECT says otherwise. Default: 5.0.</param>
    /// <param name="sender">Who sends what is read here. Default: either side, for tools.</param>
    public MqttPacketReader(MqttProtocolVersion version = MqttProtocolVersion.V500, MqttSender sender = MqttSender.Either)
    {
        if (sender is 0 or > MqttSender.Either)
            throw new ArgumentOutOfRangeException(nameof(sender), sender, "Packets come from a client, a server or either.");
        Version = version;
        Sender = sender;
    }

    /// <summary>
    /// How packets are written. A CONNECT sets it as soon as its level is known, so that an answer to a malformed one can be
    /// written in the version of the one who asks; if the level is unknown it stays.
    /// </summary>
    public MqttProtocolVersion Version
    {
        get;
        set => field = value is >= MqttProtocolVersion.V310 and <= MqttProtocolVersion.V500
            ? value
            : throw new ArgumentOutOfRangeException(nameof(value), value, "There is no such version.");
    }

    /// <summary>Who sends what is read here; packets, properties and reason codes of the other side are refused.</summary>
    public MqttSender Sender { get; }

    /// <summary>
    /// The largest packet that is read, in bytes, fixed header included. A larger one is refused with
    /// <see cref="ReasonCode.PacketTooLarge"/> as soon as its length is known. Default: 268,435,460, no limit.
    /// </summary>
    public int MaximumPacketSizeBytes { get; set; } = LargestPacketBytes;

    /// <summary>The largest CONNECT that is read, in bytes; for it both limits hold. Default: 268,435,460, no limit.</summary>
    public int MaximumConnectSizeBytes { get; set; } = LargestPacketBytes;

    /// <summary>
    /// Accepts strings with control characters (U+0001 to U+001F, U+007F to U+009F) and non-characters, which a receiver may refuse
    /// (section 1.5.4). U+0000 is never accepted. Default: false.
    /// </summary>
    public bool AllowDisallowedCodePoints { get; set; }

    /// <summary>
    /// Reads the first packet of <paramref name="bytes"/>, as slices of them; nothing is copied. False if more bytes are needed;
    /// <paramref name="consumed"/> is 0 then.
    /// </summary>
    /// <exception cref="MqttProtocolException">The bytes break the protocol. The reader is of no use any more.</exception>
    public bool TryRead(ReadOnlyMemory<byte> bytes, [NotNullWhen(true)] out MqttPacket? packet, out int consumed)
    {
        packet = null;
        consumed = 0;
        if (!TryReadHeader(bytes.Span, out var header) || header.PacketLength > bytes.Length)
            return false;
        packet = Decode(header, bytes[..header.PacketLength]);
        consumed = header.PacketLength;
        return true;
    }

    /// <summary>
    /// Reads the first packet of <paramref name="bytes"/> and cuts it off them. A packet that lies in one segment is not copied.
    /// False if more bytes are needed; <paramref name="bytes"/> stay as they are then.
    /// </summary>
    /// <exception cref="MqttProtocolException">The bytes break the protocol. The reader is of no use any more.</exception>
    public bool TryRead(ref ReadOnlySequence<byte> bytes, [NotNullWhen(true)] out MqttPacket? packet)
    {
        packet = null;
        if (!TryReadHeader(in bytes, out var header) || header.PacketLength > bytes.Length)
            return false;
        var frame = bytes.Slice(0, header.PacketLength);
        packet = Decode(header, frame.IsSingleSegment ? frame.First : Gather(in frame, header.PacketLength));
        bytes = bytes.Slice(frame.End);
        return true;
    }

    /// <summary>Reads the first packet of <paramref name="bytes"/> and cuts it off them, for tools: each packet is a new one.</summary>
    /// <exception cref="MqttProtocolException">The bytes break the protocol.</exception>
    public static bool TryRead(
        ref ReadOnlySequence<byte> bytes, MqttProtocolVersion version, [NotNullWhen(true)] out MqttPacket? packet, MqttSender sender = MqttSender.Either) =>
        new MqttPacketReader(version, sender).TryRead(ref bytes, out packet);

    /// <summary>
    /// Reads the next packet of a pipe, and waits for it. It is valid until the next call; <see langword="null"/> at the end of the
    /// stream between two packets. The reader holds what it has read from the pipe: nobody else may read it meanwhile.
    /// </summary>
    /// <exception cref="MqttProtocolException">The bytes break the protocol. The reader is of no use any more.</exception>
    /// <exception cref="MqttConnectionException">The stream broke, or ended inside a packet.</exception>
    /// <exception cref="OperationCanceledException">The read was cancelled; nothing is lost, and reading can go on.</exception>
    public async ValueTask<MqttPacket?> ReadAsync(PipeReader input, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(input);
        if (source != input)
            Release(examined: rest.Start);
        while (true)
        {
            if (source is not null && TryRead(ref rest, out var packet))
                return packet;
            if (source is not null && isLast)
                return End();
            Release(examined: rest.End);
            await TakeAsync(input, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Leaves the packet that was read last to the caller: the next read makes new ones instead of using it again. Bytes that
    /// the reader gathered itself go along; all others belong to whoever owned them before.
    /// </summary>
    public void Detach()
    {
        gathered = [];
        publish = null;
        pubAck = null;
        pubRec = null;
        pubRel = null;
        pubComp = null;
        pingReq = null;
        pingResp = null;
    }

    private bool TryReadHeader(in ReadOnlySequence<byte> bytes, out FixedHeader header)
    {
        var first = bytes.FirstSpan;
        if (first.Length >= FixedHeader.MaximumLength || bytes.IsSingleSegment)
            return TryReadHeader(first, out header);
        var start = bytes.Slice(0, Math.Min(bytes.Length, FixedHeader.MaximumLength));
        Span<byte> copy = stackalloc byte[FixedHeader.MaximumLength];
        start.CopyTo(copy);
        return TryReadHeader(copy[..(int)start.Length], out header);
    }

    private bool TryReadHeader(ReadOnlySpan<byte> bytes, out FixedHeader header)
    {
        if (!FixedHeader.TryRead(bytes, Version, Sender, out header))
            return false;
        if (header.PacketLength > MaximumPacketSizeBytes)
            throw TooLarge(header);
        if (header.Type == MqttPacketType.Connect)
            CheckConnect(header);
        return true;
    }

    private void CheckConnect(in FixedHeader header)
    {
        if (isConnectRead)
            throw MqttProtocolException.Forbidden("A second CONNECT [MQTT-3.1.0-2].");
        if (header.PacketLength > MaximumConnectSizeBytes)
            throw TooLarge(header);
    }

    private static MqttProtocolException TooLarge(in FixedHeader header) =>
        new(ReasonCode.PacketTooLarge, $"A {header.Type} of {header.PacketLength} bytes is too large.");

    private ReadOnlyMemory<byte> Gather(in ReadOnlySequence<byte> frame, int length)
    {
        var buffer = gathered;
        if (buffer.Length < length)
        {
            buffer = GC.AllocateUninitializedArray<byte>(length > KeptBufferBytes ? length : Math.Max(length, Math.Min(2 * gathered.Length, KeptBufferBytes)));
            if (length <= KeptBufferBytes)
                gathered = buffer;
        }

        frame.CopyTo(buffer);
        return buffer.AsMemory(0, length);
    }

    private MqttPacket Decode(in FixedHeader header, ReadOnlyMemory<byte> bytes)
    {
        var frame = new FrameReader(bytes, header.Length, Version, Sender, AllowDisallowedCodePoints);
        MqttPacket packet = header.Type switch
        {
            MqttPacketType.Publish => PublishCodec.Read(ref frame, header.Flags, publish ??= new()),
            MqttPacketType.PubAck => PublishResponseCodec.Read(ref frame, pubAck ??= new()),
            MqttPacketType.PubRec => PublishResponseCodec.Read(ref frame, pubRec ??= new()),
            MqttPacketType.PubRel => PublishResponseCodec.Read(ref frame, pubRel ??= new()),
            MqttPacketType.PubComp => PublishResponseCodec.Read(ref frame, pubComp ??= new()),
            MqttPacketType.PingReq => pingReq ??= new(),
            MqttPacketType.PingResp => pingResp ??= new(),
            MqttPacketType.Connect => ReadConnect(ref frame),
            MqttPacketType.ConnAck => ConnAckCodec.Read(ref frame),
            MqttPacketType.Subscribe => SubscribeCodec.Read(ref frame),
            MqttPacketType.SubAck => SubAckCodec.Read(ref frame),
            MqttPacketType.Unsubscribe => UnsubscribeCodec.Read(ref frame),
            MqttPacketType.UnsubAck => UnsubAckCodec.Read(ref frame),
            MqttPacketType.Disconnect => DisconnectCodec.Read(ref frame),
            _ => AuthCodec.Read(ref frame),
        };
        frame.RequireEnd();
        packet.Frame = bytes;
        return packet;
    }

    private ConnectPacket ReadConnect(ref FrameReader frame)
    {
        var packet = ConnectCodec.ReadVersion(ref frame);
        frame.Version = Version = packet.Version;
        ConnectCodec.ReadRest(ref frame, packet);

        // A second one would change the version under the packets that are written meanwhile. Tools, which read either side, may look at several connections.
        isConnectRead = Sender == MqttSender.Client;
        return packet;
    }

    private async ValueTask TakeAsync(PipeReader input, CancellationToken cancellationToken)
    {
        ReadResult result;
        try
        {
            result = await input.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e) when (e is not MqttConnectionException)
        {
            throw new MqttConnectionException("The connection broke.", e);
        }

        (source, rest, isLast) = (input, result.Buffer, result.IsCompleted);
        if (!result.IsCanceled)
            return;
        source = null;
        input.AdvanceTo(rest.Start);
        throw new OperationCanceledException("The read was cancelled.");
    }

    // What was not read stays in the pipe. Marked as looked at, it makes the next read of the pipe wait for more.
    private void Release(SequencePosition examined)
    {
        source?.AdvanceTo(rest.Start, examined);
        source = null;
        rest = default;
    }

    private MqttPacket? End()
    {
        var isBetweenPackets = rest.IsEmpty;
        Release(examined: rest.End);
        return isBetweenPackets ? null : throw new MqttConnectionException("The stream ended inside a packet.");
    }
}
