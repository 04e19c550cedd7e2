using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Listeners;

/// <summary>A channel of which more was read than was wanted: the rest comes first, then what comes.</summary>
internal sealed class LeftoverChannel(MqttChannel inner, ReadOnlyMemory<byte> leftover) : MqttChannel
{
    public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) =>
        leftover.IsEmpty ? inner.WaitReadableAsync(cancellationToken) : default;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (leftover.IsEmpty)
            return inner.ReadAsync(buffer, cancellationToken);
        var count = Math.Min(buffer.Length, leftover.Length);
        leftover[..count].CopyTo(buffer);
        leftover = leftover[count..];
        return new(count);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes) => inner.WriteAsync(bytes);

    public override void CompleteWriting() => inner.CompleteWriting();

    public override void Abort() => inner.Abort();
}
