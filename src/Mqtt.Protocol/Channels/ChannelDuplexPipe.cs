using System.IO.Pipelines;

namespace Mqtt.Protocol.Channels;

/// <summary>
/// An <see cref="IDuplexPipe"/> over a channel, for code that speaks pipes. Completing <see cref="Output"/> sends what was written and
/// shuts the sending side down; completing <see cref="Input"/> only stops reading. Disposing it aborts the channel.
/// </summary>
public sealed class ChannelDuplexPipe : IDuplexPipe, IAsyncDisposable
{
    private static readonly StreamPipeReaderOptions Reading = new(leaveOpen: true, useZeroByteReads: true);

    private readonly MqttChannel channel;

    /// <summary>Creates the pipe of a channel.</summary>
    /// <param name="channel">What is read and written.</param>
    public ChannelDuplexPipe(MqttChannel channel)
    {
        ArgumentNullException.ThrowIfNull(channel);
        this.channel = channel;
        var stream = new ChannelStream(channel, leaveOpen: true);
        Input = PipeReader.Create(stream, Reading);
        Output = new SendingSide(channel, PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
    }

    /// <summary>What the other side sends.</summary>
    public PipeReader Input { get; }

    /// <summary>What goes to the other side, with every flush.</summary>
    public PipeWriter Output { get; }

    /// <summary>Aborts the channel.</summary>
    public ValueTask DisposeAsync() => channel.DisposeAsync();

    /// <summary>Adds to the writer of a stream what a stream cannot do: say that nothing more comes.</summary>
    private sealed class SendingSide(MqttChannel channel, PipeWriter writer) : PipeWriter
    {
        private bool completed;

        public override bool CanGetUnflushedBytes => writer.CanGetUnflushedBytes;

        public override long UnflushedBytes => writer.UnflushedBytes;

        public override void Advance(int bytes) => writer.Advance(bytes);

        public override Memory<byte> GetMemory(int sizeHint = 0) => writer.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => writer.GetSpan(sizeHint);

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) => writer.FlushAsync(cancellationToken);

        public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default) =>
            writer.WriteAsync(source, cancellationToken);

        public override void CancelPendingFlush() => writer.CancelPendingFlush();

        public override void Complete(Exception? exception = null)
        {
            if (completed)
                return;
            completed = true;
            writer.Complete(exception);
            End(exception);
        }

        public override async ValueTask CompleteAsync(Exception? exception = null)
        {
            if (completed)
                return;
            completed = true;
            await writer.CompleteAsync(exception).ConfigureAwait(false);
            End(exception);
        }

        private void End(Exception? exception)
        {
            if (exception is null)
                channel.CompleteWriting();
            else
                channel.Abort();
        }
    }
}
