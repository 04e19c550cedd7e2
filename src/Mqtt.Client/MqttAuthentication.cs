namespace Mqtt.Client;

/// <summary>Enhanced authentication while connecting, and anew while connected (5.0, section 4.12).</summary>
/// <param name="Method">The name of the method, as the server knows it.</param>
public sealed record MqttAuthentication(string Method)
{
    /// <summary>The data with which it begins. Default: none.</summary>
    public ReadOnlyMemory<byte>? InitialData { get; init; }

    /// <summary>
    /// Answers a challenge of the server: gets the data of its AUTH and returns the data of ours. Default: none, and a server that
    /// sends a challenge is refused.
    /// </summary>
    public Func<ReadOnlyMemory<byte>?, CancellationToken, ValueTask<ReadOnlyMemory<byte>?>>? AnswerAsync { get; init; }

    /// <summary>
    /// For a method with steps that build on one another, or that proves the server too: makes a new exchange for each CONNECT and each re-authentication, in
    /// place of <see cref="InitialData"/> and <see cref="AnswerAsync"/>. Default: none.
    /// </summary>
    public Func<IMqttAuthenticationExchange>? BeginExchange { get; init; }

    /// <summary>How many challenges of one exchange are answered; a server that goes on ends the connection. Default: 16.</summary>
    public int MaximumSteps { get; init; } = 16;
}
