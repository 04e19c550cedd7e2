using Mqtt.Protocol;

namespace Mqtt.Server.Broker;

/// <summary>How an <see cref="InProcessClient"/> connects to its broker.</summary>
public sealed record InProcessClientOptions
{
    /// <summary>
    /// The client may do everything: nobody is asked whether it may connect, publish or subscribe, and it may write <c>$SYS</c>. If false, it
    /// is a client as any other, with <see cref="UserName"/> and <see cref="Password"/>. Default: true, for it is the program's own code.
    /// </summary>
    public bool BypassesRights { get; init; } = true;

    /// <summary>The user name. Default: none.</summary>
    public string? UserName { get; init; }

    /// <summary>The password. Default: none.</summary>
    public ReadOnlyMemory<byte>? Password { get; init; }

    /// <summary>Begins with a new session. If false, a session that is there goes on. Default: true.</summary>
    public bool CleanStart { get; init; } = true;

    /// <summary>How long the session outlives the client, in whole seconds; <see cref="Timeout.InfiniteTimeSpan"/> for ever. Default: not at all.</summary>
    public TimeSpan SessionExpiry { get; init; }

    /// <summary>What the broker publishes if the client ends without a goodbye. Default: nothing.</summary>
    public WillMessage? Will { get; init; }

    /// <summary>How many QoS 1 and 2 messages may be with the program, unacknowledged; the others wait in the session's queue. Default: 1,024.</summary>
    public ushort ReceiveMaximum { get; init; } = 1024;

    /// <summary>How many QoS 0 messages may wait for each subscription's handler or reader; more are dropped and counted. Default: 10,000.</summary>
    public int QueueCount { get; init; } = 10_000;

    /// <summary>
    /// Gets the messages that match no subscription of this client, such as those that a session had queued for an earlier run of the program.
    /// Runs as the handler of a subscription does. Default: such messages are acknowledged, and that is all.
    /// </summary>
    public Func<PublishPacket, CancellationToken, ValueTask>? Unclaimed { get; init; }

    internal uint SessionExpirySeconds => SessionExpiry == Timeout.InfiniteTimeSpan ? uint.MaxValue : (uint)SessionExpiry.TotalSeconds;

    internal void Validate()
    {
        if (SessionExpiry != Timeout.InfiniteTimeSpan)
            ArgumentOutOfRangeException.ThrowIfLessThan(SessionExpiry, TimeSpan.Zero, nameof(SessionExpiry));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(SessionExpiry.TotalSeconds, uint.MaxValue, nameof(SessionExpiry));
        ArgumentOutOfRangeException.ThrowIfZero(ReceiveMaximum);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(QueueCount);
    }
}
