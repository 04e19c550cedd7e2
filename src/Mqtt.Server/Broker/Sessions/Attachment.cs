using System.Buffers.Binary;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker.InProcess;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// A session's present connection, and everything that ends with it: version, limits, aliases, what waits to leave; and the way into its
/// outbox, under the session's lock. Events of a connection whose attachment is no longer its session's touch nothing.
/// </summary>
internal sealed class Attachment(Session session, MqttConnection connection, ConnectPacket connect, ClientLimits limits, string? userName, long number) : BrokerClient
{
    private bool isPublishingOnce;

    public Session Session => session;

    public override string ClientId => session.ClientId;

    public override string? UserName => userName;

    public override Traffic Traffic { get; } = new();

    /// <summary>The number of its CONNECT: an earlier one never takes a client from a later one.</summary>
    public long Number => number;

    public override MqttConnection Connection => connection;

    public override bool IsInProcess { get; } = connection.State is InProcessLogin;

    public override bool BypassesRights { get; } = connection.State is InProcessLogin { BypassesRights: true };

    public override MqttProtocolVersion Version => connection.Version;

    public override ClientLimits Limits => limits;

    public override TimeSpan SessionExpiry => session.ExpirySeconds == uint.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(session.ExpirySeconds);

    public override bool IsConnected => session.Attachment == this;

    public Outbox Outbox { get; } = connection.Outbox;

    public bool IsV5 { get; } = connect.Version == MqttProtocolVersion.V500;

    /// <summary>A bridge of 3.x, which named itself by its level.</summary>
    public bool IsBridge { get; } = connect.IsBridge;

    public override int MaximumPacketBytes { get; } = (int)Math.Min(connect.MaximumPacketSize ?? int.MaxValue, int.MaxValue);

    /// <summary>The client may not publish everything: see <see cref="ClientLimits.Check(PublishPacket)"/>.</summary>
    public bool IsRestricted { get; } = limits.RestrictsPublishing;

    /// <summary>How many QoS 1 and 2 messages may be under way to the client.</summary>
    public int Window { get; } = limits.WindowFor(connect.Version, connect.ReceiveMaximum);

    /// <summary>How many QoS 1 and 2 messages the client may have under way to the broker. 3.x knows no such number; what it sends too fast is not read.</summary>
    public int ReceiveMaximum => IsV5 ? limits.ReceiveMaximum : ushort.MaxValue;

    /// <summary>The session expiry that CONNECT asked for was 0: DISCONNECT may not raise it.</summary>
    public bool ExpiryWasZero { get; } = connect.Version == MqttProtocolVersion.V500 && (connect.SessionExpiryInterval ?? 0) == 0;

    /// <summary>Aliases that the client sets. Its own loop uses them alone.</summary>
    public IncomingTopicAliases Aliases => field ??= new(limits.TopicAliasMaximum);

    /// <summary>
    /// True while its loop publishes a new QoS 2 message: from when the identifier is taken, under the session's lock, to when every queue has the message.
    /// </summary>
    public bool IsPublishingOnce
    {
        get => Volatile.Read(ref isPublishingOnce);
        set => Volatile.Write(ref isPublishingOnce, value);
    }

    /// <summary>Packets that wait for the store, in order. Under the session's lock.</summary>
    public WaitingDepartures? Waiting { get; set; }

    /// <summary>How many packets wait for the store. Any thread; exact for the client's own loop as far as its own packets go.</summary>
    public int WaitingCount => Waiting?.Count ?? 0;

    /// <summary>How the client authenticates, if it does so by AUTH.</summary>
    public EnhancedAuthentication? Authentication { get; init; }

    /// <summary>Received a DISCONNECT that forbids the will.</summary>
    public bool EndedNormally { get; set; }

    /// <summary>Aliases that the broker sets, if the client takes any. Under the session's lock.</summary>
    public OutgoingTopicAliases? OutgoingAliases { get; } =
        connect.TopicAliasMaximum is > 0 and var maximum && limits.OutgoingTopicAliasMaximum > 0 ? new(Math.Min((int)maximum, limits.OutgoingTopicAliasMaximum), limits.OutgoingTopicAliasPolicy) : null;

    /// <summary>True if a packet of that size may be appended now.</summary>
    public bool HasRoom(int bytes) => bytes <= MaximumPacketBytes && !Outbox.IsClosed && OutboxHasRoom(bytes);

    // Most clients never fill their outbox, and have nobody there who waits for room.
    private bool OutboxHasRoom(int bytes)
    {
        if (Outbox.PendingBytes + bytes > Outbox.LimitBytes)
            Outbox.Drained ??= () => session.OnDrained(this);
        return Outbox.HasRoom(bytes);
    }

    /// <summary>The size of a copy as it would leave now.</summary>
    public int Measure(in Copy copy, long now)
    {
        var parts = copy.Message!.Parts;
        return PublishFrame.Measure(parts, IsV5, copy.QualityOfService, parts.ExpiryAt(now), copy.Identifiers);
    }

    /// <summary>Appends a PUBLISH that is encoded already, with its own first byte and, if <paramref name="idAt"/> is not 0, its own identifier.</summary>
    public WriteOutcome Write(ReadOnlySpan<byte> frame, byte firstByte, ushort packetId, int idAt, Turn turn)
    {
        if (!HasRoom(frame.Length))
            return frame.Length > MaximumPacketBytes ? WriteOutcome.TooLarge : WriteOutcome.NoRoom;
        var output = Outbox.Reserve(frame.Length);
        frame.CopyTo(output);
        output[0] = firstByte;
        if (idAt != 0)
            BinaryPrimitives.WriteUInt16BigEndian(output[idAt..], packetId);
        Outbox.Commit(frame.Length, turn);
        Count(frame.Length, firstByte);
        return WriteOutcome.Written;
    }

    /// <summary>Appends a copy as PUBLISH. One that has an identifier already is appended whatever waits.</summary>
    public WriteOutcome Write(in Copy copy, ushort packetId, bool duplicate, long now, Turn turn) =>
        Write(copy.Message!.Parts, copy, packetId, duplicate, now, turn);

    /// <summary>Appends a message as PUBLISH, on the terms of a copy that need not hold it.</summary>
    public WriteOutcome Write(in MessageParts parts, in Copy copy, ushort packetId, bool duplicate, long now, Turn turn)
    {
        // What is sent again may go to another connection than the one that knew the alias; what the broker tells about itself comes too seldom for one.
        if (OutgoingAliases is not null && !duplicate && !parts.Topic.Span.StartsWith("$SYS/"u8))
            return WriteWithAlias(parts, copy, packetId, now, turn);
        return Write(parts, copy, packetId, duplicate, 0, now, turn);
    }

    private WriteOutcome Write(in MessageParts parts, in Copy copy, ushort packetId, bool duplicate, ushort alias, long now, Turn turn)
    {
        var expiry = parts.ExpiryAt(now);
        var size = PublishFrame.Measure(parts, IsV5, copy.QualityOfService, expiry, copy.Identifiers, alias);
        if (size > MaximumPacketBytes)
            return WriteOutcome.TooLarge;
        if (Outbox.IsClosed || (packetId == 0 && !OutboxHasRoom(size)))
            return WriteOutcome.NoRoom;
        var firstByte = PublishFrame.FirstByte(copy.QualityOfService, copy.Retain, duplicate);
        PublishFrame.Write(Outbox.Reserve(size), parts, IsV5, copy.QualityOfService, firstByte, packetId, expiry, copy.Identifiers, alias);
        Outbox.Commit(size, turn);

        // A message of the broker about itself, which waited, does not count either.
        if (!parts.Topic.Span.StartsWith("$SYS/"u8))
            Count(size, firstByte);
        return WriteOutcome.Written;
    }

    // An alias is set once the packet that sets it is in the outbox, from which nothing is taken back [MQTT-3.3.2-11] [MQTT-3.1.2-26].
    private WriteOutcome WriteWithAlias(in MessageParts parts, in Copy copy, ushort packetId, long now, Turn turn)
    {
        var alias = OutgoingAliases!.Find(parts.Topic.Span, out var defines);
        var outcome = Write(alias == 0 || defines ? parts : parts with { Topic = default }, copy, packetId, duplicate: false, alias, now, turn);
        if (outcome == WriteOutcome.Written && defines)
            OutgoingAliases.Confirm(parts.Topic.Span, alias);

        // The alias takes three bytes, more than a topic of two.
        return outcome == WriteOutcome.TooLarge && alias != 0 ? Write(parts, copy, packetId, duplicate: false, 0, now, turn) : outcome;
    }

    /// <summary>Appends an answer, whatever waits. One that is larger than the client accepts is not sent [MQTT-3.1.2-24].</summary>
    public void Write(in Departure departure, Turn turn)
    {
        var size = departure.Packet is { } packet ? MeasureFitted(packet) : HasCode(departure) ? 5 : 4;
        if (Outbox.IsClosed || size > MaximumPacketBytes)
            return;
        var output = Outbox.Reserve(size);
        if (departure.Packet is not null)
            MqttPacketWriter.Write(output, departure.Packet, Version);
        else
            WriteAcknowledgement(output, departure);
        Outbox.Commit(size, turn);
        CountSent(size);
    }

    /// <summary>PINGRESP, whatever waits.</summary>
    public void AnswerPing(Turn turn)
    {
        lock (session.Gate)
        {
            Outbox.AppendLocked([(byte)((int)MqttPacketType.PingResp << 4), 0], turn);
            CountSent(2);
        }
    }

    /// <summary>CONNECT and CONNACK, which the attachment was made between.</summary>
    public void CountConnect(ConnectPacket asked, ConnAckPacket answer)
    {
        CountReceived(asked, MqttPacketWriter.Measure(asked, asked.Version));
        lock (session.Gate)
            CountSent(MqttPacketWriter.Measure(answer, Version));
    }

    /// <summary>A packet of the client came.</summary>
    public void CountReceived(MqttPacket packet) => CountReceived(packet, packet.Frame.Length);

    private void CountReceived(MqttPacket packet, int bytes)
    {
        var ofThread = session.Statistics.OfThread;
        ofThread.OnReceived(bytes);
        Traffic.OnReceived(bytes);
        if (packet is not PublishPacket message)
            return;
        ofThread.OnMessageReceived(message.QualityOfService);
        Traffic.OnMessageReceived(message.QualityOfService);
    }

    /// <summary>A packet other than PUBLISH was sent. Under the session's lock.</summary>
    private void CountSent(int bytes)
    {
        session.Statistics.OfThread.OnSent(bytes);
        Traffic.OnSent(bytes);
    }

    private void Count(int bytes, byte firstByte)
    {
        var ofThread = session.Statistics.OfThread;
        ofThread.OnSent(bytes);
        ofThread.OnMessageSent(firstByte);
        Traffic.OnSent(bytes);
        Traffic.OnMessageSent(firstByte);
    }

    private int MeasureFitted(MqttPacket packet) => connection.TryFit(packet) ? MqttPacketWriter.Measure(packet, Version) : int.MaxValue;

    // Sections 3.4 to 3.7: first byte, remaining length, packet identifier; the reason code only in 5.0, and only if it is not success.
    private static void WriteAcknowledgement(Span<byte> output, in Departure departure)
    {
        output[0] = (byte)(((int)departure.Kind << 4) | (departure.Kind == MqttPacketType.PubRel ? 2 : 0));
        output[1] = (byte)(output.Length - 2);
        BinaryPrimitives.WriteUInt16BigEndian(output[2..], departure.PacketId);
        if (output.Length > 4)
            output[4] = (byte)departure.ReasonCode;
    }

    private bool HasCode(in Departure departure) => IsV5 && departure.ReasonCode != ReasonCode.Success;
}
