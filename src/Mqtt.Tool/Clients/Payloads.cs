using System.Buffers;
using System.Runtime.CompilerServices;

namespace Mqtt.Tool.Clients;

/// <summary>Where the payloads of <c>mqtt pub</c> come from. All are bytes, exactly as they are read.</summary>
internal static class Payloads
{
    private const int ChunkBytes = 65_536;

    /// <summary>One payload that is known.</summary>
    public static Func<Terminal, CancellationToken, IAsyncEnumerable<ReadOnlyMemory<byte>>> One(ReadOnlyMemory<byte> payload) =>
        (_, _) => new[] { payload }.ToAsyncEnumerable();

    /// <summary>One payload: all of a stream.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> WholeAsync(Stream input, [EnumeratorCancellation] CancellationToken stop)
    {
        var all = new ArrayBufferWriter<byte>();
        while (await ReadAsync(input, all.GetMemory(ChunkBytes), stop) is > 0 and var length)
            all.Advance(length);
        yield return all.WrittenMemory;
    }

    /// <summary>One payload: all of a file.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> FileAsync(string path, [EnumeratorCancellation] CancellationToken stop)
    {
        byte[] content;
        try
        {
            content = await File.ReadAllBytesAsync(path, stop);
        }
        catch (UnauthorizedAccessException denied)
        {
            throw new IOException(denied.Message, denied);
        }

        yield return content;
    }

    /// <summary>A payload for each line, as soon as it is there, without its line feed; also for a last line that has none.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> LinesAsync(Stream input, [EnumeratorCancellation] CancellationToken stop)
    {
        var line = new ArrayBufferWriter<byte>();
        var chunk = new byte[ChunkBytes];
        while (await ReadAsync(input, chunk, stop) is > 0 and var length)
        {
            for (var rest = chunk.AsMemory(0, length); !rest.IsEmpty;)
            {
                var end = rest.Span.IndexOf((byte)'\n');
                line.Write(rest.Span[..(end < 0 ? rest.Length : end)]);
                rest = rest[(end < 0 ? rest.Length : end + 1)..];
                if (end < 0)
                    continue;
                yield return line.WrittenSpan.ToArray();
                line.ResetWrittenCount();
            }
        }

        if (line.WrittenCount > 0)
            yield return line.WrittenMemory;
    }

    // A read of a terminal or pipe does not end when it is cancelled; it is left behind, since the program ends then.
    private static Task<int> ReadAsync(Stream input, Memory<byte> buffer, CancellationToken stop) =>
        Task.Run(() => input.ReadAsync(buffer, stop).AsTask(), stop).WaitAsync(stop);
}
