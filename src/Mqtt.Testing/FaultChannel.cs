using System.Net;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Testing;

/// <summary>
/// A channel with faults around another: it tears reads and writes apart, delays them, holds them back until released, and cuts the
/// connection at a given byte, each direction by itself. It is what either end of a connection is given instead of its channel.
/// <code>
/// var channel = new FaultChannel(inner, time);
/// channel.Reading.Split(1);                      // every byte is read by itself
/// channel.Writing.CutAfter(100, FaultCut.End);   // the other side gets 100 bytes, then the end
/// </code>
/// </summary>
public sealed class FaultChannel : MqttChannel
{
    private readonly MqttChannel inner;
    private readonly CancellationTokenSource aborted = new();

    /// <summary>Puts faults around a channel, and owns it.</summary>
    /// <param name="inner">The channel that does the work.</param>
    /// <param name="time">What <see cref="FaultDirection.Delay"/> is measured by. Default: the system's time.</param>
    public FaultChannel(MqttChannel inner, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(inner);
        this.inner = inner;
        Reading = new FaultDirection(time ?? TimeProvider.System, aborted.Token);
        Writing = new FaultDirection(time ?? TimeProvider.System, aborted.Token);
    }

    /// <summary>What happens to bytes that are read here.</summary>
    public FaultDirection Reading { get; }

    /// <summary>What happens to bytes that are written here.</summary>
    public FaultDirection Writing { get; }

    /// <inheritdoc/>
    public override EndPoint? LocalEndPoint => inner.LocalEndPoint;

    /// <inheritdoc/>
    public override EndPoint? RemoteEndPoint => inner.RemoteEndPoint;

    /// <inheritdoc/>
    public override long WrittenBytes => inner.WrittenBytes;

    /// <inheritdoc/>
    public override bool IsPeerGone => Reading.IsCut || inner.IsPeerGone;

    /// <inheritdoc/>
    public override int UnreadBytes => Reading.IsCut ? 0 : inner.UnreadBytes;

    /// <inheritdoc/>
    public override async ValueTask WaitReadableAsync(CancellationToken cancellationToken = default)
    {
        if (Reading.IsCut)
            return;
        await inner.WaitReadableAsync(cancellationToken).ConfigureAwait(false);
        await Reading.PassAsync(withDelay: false, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        if (!Reading.IsCut)
        {
            await inner.WaitReadableAsync(cancellationToken).ConfigureAwait(false);
            await Reading.PassAsync(withDelay: true, cancellationToken).ConfigureAwait(false);
        }

        var size = Reading.NextPiece(buffer.Length);
        if (size == 0)
            return CutReading();
        var count = await inner.ReadAsync(buffer[..size], cancellationToken).ConfigureAwait(false);
        Reading.Count(count);
        if (Reading is { IsCut: true, Cut: FaultCut.Abort })
            Abort();
        return count;
    }

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            await Writing.PassAsync(withDelay: true, CancellationToken.None).ConfigureAwait(false);
            var size = Writing.NextPiece(bytes.Length);
            if (size > 0)
                await inner.WriteAsync(bytes[..size]).ConfigureAwait(false);
            Writing.Count(size);
            bytes = bytes[size..];
            if (Writing.IsCut)
                CutWriting(everything: bytes.IsEmpty);
        }
    }

    /// <inheritdoc/>
    public override ValueTask YieldAsync() => inner.YieldAsync();

    /// <inheritdoc/>
    public override void CompleteWriting() => inner.CompleteWriting();

    /// <summary>Ends the connection at once; what is held or delayed fails before this returns.</summary>
    public override void Abort()
    {
        using var plain = NoContext.Enter();
        inner.Abort();
        aborted.Cancel();
    }

    /// <inheritdoc/>
    public override async ValueTask DisposeAsync()
    {
        Abort();
        await inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    private int CutReading()
    {
        if (Reading.Cut == FaultCut.End)
            return 0;
        Abort();
        throw Cut();
    }

    private void CutWriting(bool everything)
    {
        if (Writing.Cut == FaultCut.Abort)
            Abort();
        else
            inner.CompleteWriting();
        if (!everything)
            throw Cut();
    }

    private static MqttConnectionException Cut() => new("The connection was cut, as the test asked for.");
}
