using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Mqtt.Tool;

/// <summary>The three streams of a program. Input and output are bytes, since payloads are.</summary>
/// <param name="Input">Standard input.</param>
/// <param name="Output">Standard output, unbuffered.</param>
/// <param name="Error">Standard error; safe from all threads.</param>
internal sealed record Terminal(Stream Input, Stream Output, TextWriter Error)
{
    private const int BrokenPipe = 32;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>True if standard error is a terminal, on which a line can be written over.</summary>
    public bool IsErrorShown { get; init; }

    /// <summary>Those of this process.</summary>
    public static Terminal OfProcess() => new(Console.OpenStandardInput(), OpenOutput(), Console.Error) { IsErrorShown = !Console.IsErrorRedirected };

    /// <summary>True if a write failed because nobody reads the output any more, as in <c>mqtt sub ... | head</c>. That is a normal end.</summary>
    public static bool IsBrokenPipe(IOException failure) => failure.GetType() == typeof(IOException) && failure.HResult == BrokenPipe;

    /// <summary>Writes a line of text to standard output, at once.</summary>
    public void WriteLine(string text) => Output.Write(Utf8.GetBytes(text + Environment.NewLine));

    // The console's own stream hides from us that the reader of a pipe has gone. For a file it is the right one: it shares its position with others who write there.
    private static Stream OpenOutput()
    {
        if (OperatingSystem.IsWindows())
            return Console.OpenStandardOutput();
        var direct = new FileStream(new SafeFileHandle(1, ownsHandle: false), FileAccess.Write, bufferSize: 0);
        return direct.CanSeek ? Console.OpenStandardOutput() : direct;
    }
}
