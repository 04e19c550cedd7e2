using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Listeners;

/// <summary>What stands between TLS and a channel: until the handshake is over, whoever reads goes on on the thread pool, not where the channel lives.</summary>
internal sealed class HandshakeChannel(MqttChannel inner) : MqttChannel
{
    private volatile bool isOver;

    /// <summary>From now on reads go on where the channel lives.</summary>
    public void EndHandshake() => isOver = true;

    public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) => inner.WaitReadableAsync(cancellationToken);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        isOver ? inner.ReadAsync(buffer, cancellationToken) : ReadAndLeaveAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => inner.WriteAsync(bytes);

    public override void CompleteWriting() => inner.CompleteWriting();

    public override void Abort() => inner.Abort();

    private async ValueTask<int> ReadAndLeaveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        var count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return count;
    }
}
