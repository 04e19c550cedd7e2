using System.Net;
using System.Runtime.CompilerServices;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;
using Mqtt.Server.Connections;

namespace Mqtt.Server;

/// <summary>
/// One client's connection, as a handler sees it. Sending is safe from all threads at all times; what is sent within a handler's
/// synchronous part leaves together with everything else of that round.
/// </summary>
public sealed class MqttConnection
{
    // Beside the connections, most of which have none: they must stay small.
    private static readonly ConditionalWeakTable<MqttConnection, object> Contexts = [];

    private readonly ConnectionLoop loop;
    private readonly MqttChannel channel;

    internal MqttConnection(ConnectionLoop loop, long id, Outbox outbox, MqttChannel channel)
    {
        this.loop = loop;
        this.channel = channel;
        Id = id;
        Outbox = outbox;
    }

    /// <summary>A number that no other connection of this process has.</summary>
    public long Id { get; }

    /// <summary>The server's end.</summary>
    public EndPoint? LocalEndPoint => channel.LocalEndPoint;

    /// <summary>The client's end.</summary>
    public EndPoint? RemoteEndPoint => channel.RemoteEndPoint;

    /// <summary>The protocol version; known once CONNECT has come.</summary>
    public MqttProtocolVersion Version => loop.Version;

    /// <summary>Where the connection stands in its life.</summary>
    public MqttConnectionState ConnectionState => loop.State;

    /// <summary>True from a CONNACK that accepts until the connection closes.</summary>
    public bool IsAccepted => loop.IsAccepted;

    /// <summary>
    /// True if the client is known to have ended its side, though what it sent before may not have been handled yet: it need not be made to
    /// wait. It may cost a system call.
    /// </summary>
    public bool IsPeerGone => channel.IsPeerGone;

    /// <summary>A slot that belongs to the handler. Default: nothing.</summary>
    public object? State { get; set; }

    /// <summary>What the program keeps with the connection, beside the handler's <see cref="State"/>. Default: what <see cref="MqttServerOptions.ConnectionContext"/> made.</summary>
    public object? Context
    {
        get => Contexts.TryGetValue(this, out var context) ? context : null;
        set
        {
            if (value is null)
                Contexts.Remove(this);
            else
                Contexts.AddOrUpdate(this, value);
        }
    }

    /// <summary>
    /// The longest pause between two packets of the client that is allowed; the connection is closed after 1.5 times of it
    /// [MQTT-3.1.2-22]. The server sets it from CONNECT, the handler may change it. Default: zero, no limit.
    /// </summary>
    public TimeSpan KeepAlive
    {
        get => loop.KeepAlive;
        set => loop.KeepAlive = value;
    }

    /// <summary>
    /// The largest packet that is accepted from the client, in bytes; a larger one is an error (0x95). The handler may set it, at the latest when it
    /// answers CONNECT; more than the server allows has no effect. Default: what the server allows.
    /// </summary>
    public int MaximumPacketBytes
    {
        get => loop.MaximumPacketBytes;
        set => loop.MaximumPacketBytes = value;
    }

    /// <summary>Cancelled when the connection is over.</summary>
    public CancellationToken Closed => loop.Closed;

    /// <summary>Where the bytes for the client wait; for handlers that encode themselves.</summary>
    public Outbox Outbox { get; }

    /// <summary>The QoS 2 messages that came in and were not released; for <see cref="MqttHandler"/>.</summary>
    internal IncomingFlights Arrivals => field ??= new IncomingFlights(65_535);

    /// <summary>
    /// Sends a packet: puts it behind what already waits, and returns. A CONNACK that refuses and a DISCONNECT are the last packet,
    /// and close the connection. Without effect once the connection is closing.
    /// <para>
    /// Reason string and user properties of an answer are left out if the client does not want them [MQTT-3.1.2-29], or as far as the packet would be larger than it accepts;
    /// a packet that is too large all the same is not sent [MQTT-3.1.2-24].
    /// </para>
    /// </summary>
    public void Send(MqttPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        loop.Send(packet);
    }

    /// <summary>
    /// Has a packet handled as if the peer had sent it: in order with the peer's own packets and never at the same time, answers, refusals and
    /// all. The packet is copied before this returns. Completes when the handler is done with it; what that throws ends the connection, as ever, and is
    /// thrown here as well. Safe from all threads; not to be awaited by the handler within a packet of the same connection, which would never end.
    /// </summary>
    /// <param name="packet">The packet.</param>
    /// <param name="cancellationToken">Ends the wait; the packet is handled all the same.</param>
    /// <exception cref="ArgumentException">The packet cannot be written, and was not handed in: a topic name with wildcards, an identifier of 0.</exception>
    /// <exception cref="MqttProtocolException">A client does not send this packet, and it was not handed in; or the handler found that it breaks the protocol.</exception>
    /// <exception cref="MqttConnectionException">The connection is over, or ended before it was the packet's turn.</exception>
    public Task InjectAsync(MqttPacket packet, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(packet);
        cancellationToken.ThrowIfCancellationRequested();
        return loop.Injection.InjectAsync(AsReceived(packet)).WaitAsync(cancellationToken);
    }

    /// <summary>The same as <see cref="InjectAsync"/>, but waits for nothing: what goes wrong ends the connection, and that is all. False if it is over.</summary>
    /// <exception cref="ArgumentException">The packet cannot be written, and was not handed in.</exception>
    /// <exception cref="MqttProtocolException">A client does not send this packet, and it was not handed in.</exception>
    public bool Inject(MqttPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        return loop.Injection.TryInject(AsReceived(packet));
    }

    /// <summary>
    /// Leaves out of an answer what the client does not want or cannot take, as <see cref="Send"/> does; false if it is larger than the client accepts all the same.
    /// For handlers that encode themselves.
    /// </summary>
    public bool TryFit(MqttPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        return loop.TryFit(packet);
    }

    /// <summary>
    /// Ends the connection: a DISCONNECT with the reason goes out where the version and the state allow one, what waits is sent
    /// first, for a bounded time. Returns at once; safe from all threads; harmless if repeated.
    /// </summary>
    public void Close(ReasonCode reasonCode = ReasonCode.NormalDisconnection, string? reasonString = null) =>
        loop.Close(new MqttCloseCause(MqttCloseKind.Local, reasonCode), reasonString);

    /// <summary>Cuts the connection at once, and throws away what waits.</summary>
    public void Abort() => loop.Abort(new MqttCloseCause(MqttCloseKind.Local, ReasonCode.UnspecifiedError));

    // Through the codec: what the handler gets owns its memory, and has passed every check that a received packet passes.
    private MqttPacket AsReceived(MqttPacket packet)
    {
        var version = packet is ConnectPacket connect ? connect.Version : Version;
        var bytes = new byte[MqttPacketWriter.Measure(packet, version)];
        MqttPacketWriter.Write(bytes, packet, version);
        var reader = new MqttPacketReader(version, MqttSender.Client) { AllowDisallowedCodePoints = loop.AllowsDisallowedCodePoints };
        return reader.TryRead(bytes, out var received, out _) ? received : throw new MqttProtocolException(ReasonCode.MalformedPacket, "The packet is incomplete.");
    }

    /// <inheritdoc/>
    public override string ToString() => $"#{Id} {RemoteEndPoint}";
}
