using System.Buffers;
using System.Net;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Connections;

/// <summary>
/// Shows each outgoing packet to the hooks, on its way between the outbox and the network. It takes the bytes apart and copies them: a
/// connection without packet hooks has no such channel. One writer at a time, as the seam says.
/// </summary>
internal sealed class PacketHookChannel(MqttChannel inner, IReadOnlyList<IMqttPacketHook> hooks, ILogger logger) : MqttChannel
{
    private const int MostKeptBytes = 16 * 1024;

    private readonly MqttPacketReader reader = new(MqttProtocolVersion.V311, MqttSender.Server);
    private ArrayBufferWriter<byte> output = new();
    private readonly List<int> lengths = [];
    private byte[] input = [];
    private int count;

    // Bytes that are no packets: a handler that encodes itself may send what it likes.
    private bool isOpaque;

    /// <summary>Whose channel it is; set before anything is written.</summary>
    public MqttConnection Connection { get; set; } = null!;

    public override EndPoint? LocalEndPoint => inner.LocalEndPoint;

    public override EndPoint? RemoteEndPoint => inner.RemoteEndPoint;

    public override long WrittenBytes => inner.WrittenBytes;

    public override bool IsPeerGone => inner.IsPeerGone;

    public override int UnreadBytes => inner.UnreadBytes;

    public override ValueTask WaitReadableAsync(CancellationToken cancellationToken = default) => inner.WaitReadableAsync(cancellationToken);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => inner.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        Take(bytes.Span);
        return WriteWholeAsync();
    }

    public override ValueTask WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> pieces)
    {
        foreach (var piece in pieces)
            Take(piece.Span);
        return WriteWholeAsync();
    }

    public override ValueTask YieldAsync() => inner.YieldAsync();

    public override void CompleteWriting() => inner.CompleteWriting();

    public override void Abort() => inner.Abort();

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync().ConfigureAwait(false);
        await inner.DisposeAsync().ConfigureAwait(false);
    }

    private void Take(ReadOnlySpan<byte> bytes)
    {
        if (input.Length < count + bytes.Length)
            Array.Resize(ref input, Math.Max(count + bytes.Length, input.Length * 2));
        bytes.CopyTo(input.AsSpan(count));
        count += bytes.Length;
    }

    // What is whole leaves, the beginning of a packet waits for its rest.
    private async ValueTask WriteWholeAsync()
    {
        output.ResetWrittenCount();
        lengths.Clear();
        var taken = Encode();
        input.AsSpan(taken, count - taken).CopyTo(input);
        count -= taken;
        if (output.WrittenCount == 0)
            return;
        await inner.WriteAsync(output.WrittenMemory).ConfigureAwait(false);

        var at = 0;
        foreach (var length in lengths)
        {
            Tell(output.WrittenMemory.Slice(at, length));
            at += length;
        }

        Shrink();
    }

    // One large packet must not cost memory for ever.
    private void Shrink()
    {
        if (count == 0 && input.Length > MostKeptBytes)
            input = [];
        if (output.Capacity > MostKeptBytes)
            output = new();
    }

    private int Encode()
    {
        var taken = 0;
        reader.Version = Connection.Version;
        try
        {
            while (!isOpaque && reader.TryRead(input.AsMemory(taken, count - taken), out var packet, out var consumed))
            {
                Append(packet, input.AsSpan(taken, consumed));
                taken += consumed;
            }
        }
        catch (MqttProtocolException strange)
        {
            isOpaque = true;
            logger.PacketHookBlinded(strange, Connection);
        }

        if (!isOpaque)
            return taken;
        output.Write(input.AsSpan(taken, count - taken));
        return count;
    }

    private void Append(MqttPacket packet, ReadOnlySpan<byte> frame)
    {
        var result = Ask(packet);
        if (result is null)
            return;
        var before = output.WrittenCount;
        if (ReferenceEquals(result, packet))
            output.Write(frame);
        else
            MqttPacketWriter.Write(output, result, Connection.Version);
        lengths.Add(output.WrittenCount - before);
    }

    private MqttPacket? Ask(MqttPacket packet)
    {
        MqttPacket? result = packet;
        for (var i = 0; i < hooks.Count && result is not null; i++)
        {
            try
            {
                result = hooks[i].OnWrite(Connection, result);
            }
            catch (Exception failure)
            {
                logger.PacketHookFailed(failure, hooks[i]);
            }
        }

        return result;
    }

    private void Tell(ReadOnlyMemory<byte> frame)
    {
        foreach (var hook in hooks)
        {
            try
            {
                hook.OnWritten(Connection, frame);
            }
            catch (Exception failure)
            {
                logger.PacketHookFailed(failure, hook);
            }
        }
    }
}
