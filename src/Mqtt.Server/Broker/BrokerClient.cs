using Mqtt.Protocol;

namespace Mqtt.Server.Broker;

/// <summary>
/// A client while it is connected to the broker: one for each connection, what hooks and services get to see. It tells what was agreed when
/// the client connected; any thread may read it, also after the connection has ended.
/// </summary>
public abstract class BrokerClient
{
    internal BrokerClient()
    {
    }

    /// <summary>The client identifier: the client's own, or the one that it was assigned.</summary>
    public abstract string ClientId { get; }

    /// <summary>The user name of CONNECT, or the one that an authentication hook put in its place. Default: none.</summary>
    public abstract string? UserName { get; }

    /// <summary>
    /// The connection; that of an <see cref="InProcessClient"/> has no network below it. A client whose will is due, and that has not been here since the
    /// broker began anew, has none.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public abstract MqttConnection Connection { get; }

    /// <summary>True for an <see cref="InProcessClient"/>.</summary>
    public abstract bool IsInProcess { get; }

    /// <summary>Nobody is asked what the client may do: an <see cref="InProcessClient"/> that was made so.</summary>
    public abstract bool BypassesRights { get; }

    /// <summary>The version that the client speaks.</summary>
    public abstract MqttProtocolVersion Version { get; }

    /// <summary>What the client may do.</summary>
    public abstract ClientLimits Limits { get; }

    /// <summary>How long the session outlives the connection: what the client asked for, as far as it was granted; <see cref="Timeout.InfiniteTimeSpan"/> for ever.</summary>
    public abstract TimeSpan SessionExpiry { get; }

    /// <summary>The largest packet that the client accepts, in bytes; <see cref="int.MaxValue"/> if it set no limit.</summary>
    public abstract int MaximumPacketBytes { get; }

    /// <summary>The longest pause between two packets of the client; zero for no limit.</summary>
    public TimeSpan KeepAlive => Connection.KeepAlive;

    /// <summary>What went over the connection.</summary>
    public abstract Traffic Traffic { get; }

    /// <summary>True while the client is connected and has its session: not taken over, not gone.</summary>
    public abstract bool IsConnected { get; }

    /// <inheritdoc/>
    public override string ToString() => ClientId;
}
