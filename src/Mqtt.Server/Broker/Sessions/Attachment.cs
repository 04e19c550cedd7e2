using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// A session's present connection, and everything that ends with it: version, limits, aliases, what waits to leave. Events of a
/// connection whose attachment is no longer its session's touch nothing.
/// </summary>
internal sealed class Attachment(Session session, MqttConnection connection, ConnectPacket connect, MqttBrokerOptions options)
{
    public Session Session => session;

    public MqttConnection Connection => connection;

    public Outbox Outbox { get; } = connection.Outbox;

    public bool IsV5 { get; } = connect.Version == MqttProtocolVersion.V500;

    public MqttProtocolVersion Version { get; } = connect.Version;

    /// <summary>The largest packet that the client accepts.</summary>
    public int MaximumPacketBytes { get; } = (int)Math.Min(connect.MaximumPacketSize ?? int.MaxValue, int.MaxValue);

    /// <summary>How many QoS 1 and 2 messages may be under way to the client.</summary>
    public int Window { get; } = connect.Version == MqttProtocolVersion.V500
        ? Math.Min((int)(connect.ReceiveMaximum ?? ushort.MaxValue), options.InFlightMaximum)
        : options.InFlightMaximum3;

    /// <summary>The session expiry that CONNECT asked for was 0: DISCONNECT may not raise it.</summary>
    public bool ExpiryWasZero { get; } = connect.Version == MqttProtocolVersion.V500 && (connect.SessionExpiryInterval ?? 0) == 0;

    /// <summary>Aliases that the client sets. Its own loop uses them alone.</summary>
    public IncomingTopicAliases Aliases => field ??= new(options.TopicAliasMaximum);

    /// <summary>Packets that wait for the store, in order. Under the session's lock.</summary>
    public Queue<Departure>? Waiting { get; set; }

    /// <summary>How many packets wait for the store. Any thread; exact for the client's own loop as far as its own packets go.</summary>
    public int WaitingCount => Waiting?.Count ?? 0;

    /// <summary>The outbox has room again.</summary>
    public void OnDrained() => session.OnDrained(this);

    /// <summary>Received a DISCONNECT that forbids the will.</summary>
    public bool EndedNormally { get; set; }
}
