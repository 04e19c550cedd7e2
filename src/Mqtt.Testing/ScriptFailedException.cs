namespace Mqtt.Testing;

/// <summary>What happened is not what the script of a <see cref="ScriptedPeer"/> expects. The message says both, and what went before.</summary>
public sealed class ScriptFailedException : Exception
{
    /// <summary>Creates the error.</summary>
    public ScriptFailedException()
        : this("The script failed.")
    {
    }

    /// <summary>Creates the error with a message.</summary>
    public ScriptFailedException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the error with its cause.</summary>
    public ScriptFailedException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
