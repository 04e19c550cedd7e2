using System.Text;

namespace Mqtt.Tool;

/// <summary>The three streams of a program. Input and output are bytes, since payloads are.</summary>
/// <param name="Input">Standard input.</param>
/// <param name="Output">Standard output, unbuffered.</param>
/// <param name="Error">Standard error; safe from all threads.</param>
internal sealed record Terminal(Stream Input, Stream Output, TextWriter Error)
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>Those of this process.</summary>
    public static Terminal OfProcess() => new(Console.OpenStandardInput(), Console.OpenStandardOutput(), Console.Error);

    /// <summary>Writes a line of text to standard output, at once.</summary>
    public void WriteLine(string text) => Output.Write(Utf8.GetBytes(text + Environment.NewLine));
}
