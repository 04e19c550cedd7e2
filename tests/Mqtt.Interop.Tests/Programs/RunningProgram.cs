using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Threading.Channels;

namespace Mqtt.Interop.Tests;

/// <summary>
/// A program that was started, with everything that it says. Every wait ends after <see cref="Patience"/>, with an error that shows the
/// command line and all that was said. Disposing it kills it.
/// </summary>
internal sealed class RunningProgram : IAsyncDisposable
{
    /// <summary>How long anything may take before it counts as failed. Much more than needed, since the machine may be busy.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Process process;
    private readonly string commandLine;
    private readonly Sink output = new();
    private readonly Sink error = new();
    private readonly Task pumping;

    private RunningProgram(Process process, string commandLine)
    {
        this.process = process;
        this.commandLine = commandLine;
        pumping = Task.WhenAll(output.FillAsync(process.StandardOutput.BaseStream), error.FillAsync(process.StandardError.BaseStream));
    }

    /// <summary>Standard input of the program.</summary>
    public Stream Input => process.StandardInput.BaseStream;

    public int Id => process.Id;

    /// <summary>Starts a program.</summary>
    /// <param name="program">Its name or path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="whence">Where it comes from, if it is missing.</param>
    public static RunningProgram Start(string program, IEnumerable<string> arguments, string whence)
    {
        var start = new ProcessStartInfo(Find(program) ?? throw new InvalidOperationException($"{program} is missing: {whence}."), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Repository.Path("tests", "interop"),
        };
        // Our own program finds the runtime that runs this test.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "..", "..", ".."));
        return new RunningProgram(Process.Start(start)!, $"{program} {string.Join(' ', start.ArgumentList)}");
    }

    // Debian keeps daemons where not everybody looks.
    private static string? Find(string program)
    {
        var folders = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/local/sbin:/usr/sbin:/sbin".Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        return folders.Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
    }

    /// <summary>The next line of standard output.</summary>
    public Task<string> NextLineAsync() => InTimeAsync(output.Lines.ReadAsync().AsTask(), "said no further line");

    /// <summary>The next line of standard error that contains a text.</summary>
    public Task<string> ErrorLineAsync(string text) => ErrorLineAsync(line => line.Contains(text, StringComparison.Ordinal), text);

    /// <summary>The next line of standard error that is the right one.</summary>
    /// <param name="isRight">Tells whether it is.</param>
    /// <param name="what">What to call it, should it not come.</param>
    public async Task<string> ErrorLineAsync(Func<string, bool> isRight, string what)
    {
        while (true)
        {
            var line = await InTimeAsync(error.Lines.ReadAsync().AsTask(), $"did not say '{what}' on standard error");
            if (isRight(line))
                return line;
        }
    }

    /// <summary>Waits until it ends by itself.</summary>
    public async Task<ProgramResult> EndAsync()
    {
        await InTimeAsync(process.WaitForExitAsync(), "did not end");
        await InTimeAsync(pumping, "left somebody behind who holds its output");
        return new ProgramResult(process.ExitCode, output.Bytes, error.Text);
    }

    /// <summary>Waits until it ends by itself, and fails unless it succeeded and had nothing to complain of.</summary>
    public async Task<ProgramResult> SucceedAsync()
    {
        var result = await EndAsync();
        if (result.ExitCode != 0 || result.Error.Length > 0)
            throw new InvalidOperationException(Describe($"ended with exit code {result.ExitCode}"));
        return result;
    }

    /// <summary>Waits for a signal that this program is to cause. If it fails or dies instead, the error shows what it said.</summary>
    public async Task CauseAsync(Task signal)
    {
        try
        {
            if (await Task.WhenAny(signal, process.WaitForExitAsync()) != signal && process.ExitCode != 0)
                throw new InvalidOperationException("it ended before that");
            await signal;
        }
        catch (Exception failure) when (failure is TimeoutException or InvalidOperationException)
        {
            throw new InvalidOperationException($"{Describe(process.HasExited ? $"ended with exit code {process.ExitCode}" : "is still running")}\n{failure.Message}", failure);
        }
    }

    /// <summary>Sends a signal, such as <c>TERM</c>.</summary>
    public async Task SignalAsync(string name)
    {
        await using var kill = Start("sh", ["-c", $"kill -{name} {process.Id}"], "a shell is needed");
        await kill.SucceedAsync();
    }

    /// <summary>Ends it at once: the peer sees its connections go without a farewell.</summary>
    public void Kill() => process.Kill();

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
            process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        await pumping;
        process.Dispose();
    }

    private async Task<T> InTimeAsync<T>(Task<T> task, string complaint)
    {
        await InTimeAsync((Task)task, complaint);
        return await task;
    }

    private async Task InTimeAsync(Task task, string complaint)
    {
        try
        {
            await task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException(Describe($"{complaint} within {Patience.TotalSeconds} s"));
        }
        catch (ChannelClosedException)
        {
            throw new InvalidOperationException(Describe($"{complaint}, and ended"));
        }
    }

    private string Describe(string complaint) =>
        $"{commandLine}: {complaint}.\nOn standard output: {Encoding.UTF8.GetString(output.Bytes)}\nOn standard error: {error.Text}";

    /// <summary>What came out of one stream: all bytes, and line by line.</summary>
    private sealed class Sink
    {
        private readonly Lock gate = new();
        private readonly ArrayBufferWriter<byte> all = new();
        private readonly Channel<string> lines = Channel.CreateUnbounded<string>();

        public ChannelReader<string> Lines => lines.Reader;

        public byte[] Bytes
        {
            get
            {
                lock (gate)
                    return all.WrittenSpan.ToArray();
            }
        }

        public string Text => Encoding.UTF8.GetString(Bytes);

        public async Task FillAsync(Stream stream)
        {
            var line = new MemoryStream();
            var chunk = new byte[65_536];
            while (await stream.ReadAsync(chunk) is > 0 and var length)
            {
                lock (gate)
                    all.Write(chunk.AsSpan(0, length));
                foreach (var part in Parts(chunk.AsMemory(0, length)))
                {
                    line.Write(part.Span);
                    if (part.Span[^1] != '\n')
                        continue;
                    lines.Writer.TryWrite(Encoding.UTF8.GetString(line.GetBuffer(), 0, (int)line.Length - 1));
                    line.SetLength(0);
                }
            }

            lines.Writer.Complete();
        }

        private static IEnumerable<ReadOnlyMemory<byte>> Parts(ReadOnlyMemory<byte> chunk)
        {
            while (!chunk.IsEmpty)
            {
                var end = chunk.Span.IndexOf((byte)'\n') is >= 0 and var newLine ? newLine + 1 : chunk.Length;
                yield return chunk[..end];
                chunk = chunk[end..];
            }
        }
    }
}
