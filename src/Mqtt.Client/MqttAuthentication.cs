namespace Mqtt.Client;

/// <summary>Enhanced authentication while connecting (5.0, section 4.12).</summary>
/// <param name="Method">The name of the method, as the server knows it.</param>
public sealed record MqttAuthentication(string Method)
{
    /// <summary>The data that CONNECT carries. Default: none.</summary>
    public ReadOnlyMemory<byte>? InitialData { get; init; }

    /// <summary>
    /// Answers a challenge of the server: gets the data of its AUTH and returns the data of ours. Default: none, and a server that
    /// sends a challenge is refused.
    /// </summary>
    public Func<ReadOnlyMemory<byte>?, CancellationToken, ValueTask<ReadOnlyMemory<byte>?>>? AnswerAsync { get; init; }
}
