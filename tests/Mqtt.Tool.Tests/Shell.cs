using System.Text;
using System.Threading.Channels;

namespace Mqtt.Tool.Tests;

/// <summary>Runs the program within this process, with streams of its own.</summary>
internal sealed class Shell : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource stop = new();
    private readonly Sink output = new();
    private readonly StringWriter error = new();
    private readonly Task<int> running;

    private Shell(string[] words, byte[] input) =>
        running = Task.Run(() => Program.RunAsync(words, new Terminal(new MemoryStream(input), output, TextWriter.Synchronized(error)), stop.Token));

    public string Output => Encoding.UTF8.GetString(Bytes);

    public byte[] Bytes => output.All;

    public string Error => error.ToString();

    /// <summary>Runs a command line to its end.</summary>
    public static async Task<Shell> RunAsync(params string[] words)
    {
        var shell = new Shell(words, []);
        await shell.ExitCodeAsync();
        return shell;
    }

    /// <summary>Runs a command line with something on standard input to its end.</summary>
    public static async Task<Shell> RunAsync(byte[] input, params string[] words)
    {
        var shell = new Shell(words, input);
        await shell.ExitCodeAsync();
        return shell;
    }

    /// <summary>Starts a command line.</summary>
    public static Shell Start(params string[] words) => new(words, []);

    /// <summary>Waits for the end.</summary>
    public Task<int> ExitCodeAsync() => running.WaitAsync(Patience, TestContext.Current.CancellationToken);

    /// <summary>Does what SIGTERM does, and waits for the end.</summary>
    public Task<int> StopAsync()
    {
        stop.Cancel();
        return ExitCodeAsync();
    }

    /// <summary>The next piece that was written to standard output at once.</summary>
    public async Task<string> NextOutputAsync() =>
        Encoding.UTF8.GetString(await output.Pieces.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience));

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        stop.Dispose();
    }

    private sealed class Sink : MemoryStream
    {
        private readonly Channel<byte[]> pieces = Channel.CreateUnbounded<byte[]>();
        private readonly Lock gate = new();

        public ChannelReader<byte[]> Pieces => pieces.Reader;

        public byte[] All
        {
            get
            {
                lock (gate)
                    return ToArray();
            }
        }

        // A stream that derives from MemoryStream gets spans as arrays, too.
        public override void Write(byte[] buffer, int offset, int count)
        {
            lock (gate)
                base.Write(buffer, offset, count);
            pieces.Writer.TryWrite(buffer.AsSpan(offset, count).ToArray());
        }
    }
}
