using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool;

/// <summary>One command of the program. Made for one run: its flags set its fields, then it runs.</summary>
internal abstract class Command
{
    /// <summary>The word that the user types.</summary>
    public abstract string Name { get; }

    /// <summary>What it does, in one line.</summary>
    public abstract string Summary { get; }

    /// <summary>What may follow the word, in one line.</summary>
    public abstract string Usage { get; }

    /// <summary>What else the help says; may be empty.</summary>
    public virtual string Notes => "";

    /// <summary>The flags, bound to this instance.</summary>
    public abstract FlagSet Flags { get; }

    /// <summary>Runs to the end, or until it is told to stop, which is a normal end.</summary>
    /// <returns>The exit code, one of <see cref="ExitCode"/>.</returns>
    /// <exception cref="UsageException">The flags do not go together.</exception>
    /// <exception cref="IOException">What it needs cannot be had; the message is for the user.</exception>
    /// <exception cref="OperationCanceledException">It was told to stop before it had done what was asked for.</exception>
    public abstract Task<int> RunAsync(Terminal terminal, CancellationToken stop);
}
