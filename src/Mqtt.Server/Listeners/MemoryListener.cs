using System.IO.Pipelines;
using System.Net;
using System.Threading.Channels;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server;

/// <summary>A listener without a network: <see cref="Connect"/> gives the client's end of a new connection.</summary>
/// <param name="scheduler">Where a waiting end goes on: the thread pool by default, a <see cref="TurnPump"/> to drive everything by hand.</param>
/// <param name="capacityBytes">How many bytes each direction of a connection holds. Default: 64 KiB.</param>
public sealed class MemoryListener(PipeScheduler? scheduler = null, int capacityBytes = 64 * 1024) : MqttListener
{
    private readonly Channel<MqttChannel> accepted = Channel.CreateUnbounded<MqttChannel>(new() { AllowSynchronousContinuations = scheduler is TurnPump });
    private int count;

    /// <inheritdoc/>
    public override EndPoint EndPoint { get; } = new DnsEndPoint("memory", 0);

    /// <summary>Opens a connection and returns the client's end.</summary>
    /// <exception cref="MqttConnectionException">The listener has stopped.</exception>
    public MqttChannel Connect()
    {
        var name = "client-" + Interlocked.Increment(ref count).ToString(System.Globalization.CultureInfo.InvariantCulture);
        var (client, server) = MemoryChannel.CreatePair(scheduler, capacityBytes, name);
        return accepted.Writer.TryWrite(server) ? client : throw new MqttConnectionException("The listener has stopped.");
    }

    /// <inheritdoc/>
    public override void Start()
    {
    }

    /// <inheritdoc/>
    public override async ValueTask<MqttChannel?> AcceptAsync()
    {
        while (await accepted.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            if (accepted.Reader.TryRead(out var channel))
                return channel;
        }

        return null;
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        accepted.Writer.TryComplete();
        return ValueTask.CompletedTask;
    }
}
