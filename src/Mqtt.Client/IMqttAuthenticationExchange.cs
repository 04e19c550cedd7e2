namespace Mqtt.Client;

/// <summary>
/// The client's side of one enhanced authentication (5.0, section 4.12), which may remember something from step to step. One is made for each CONNECT and each
/// re-authentication; its members are called one after the other.
/// </summary>
public interface IMqttAuthenticationExchange
{
    /// <summary>The data with which it begins; <see langword="null"/> for none.</summary>
    ReadOnlyMemory<byte>? Begin();

    /// <summary>Answers a challenge. What it throws ends the connection.</summary>
    /// <param name="challenge">The data of the server's AUTH, owned; <see langword="null"/> if there was none.</param>
    /// <param name="cancellationToken">Cancelled when the connection ends or the time is over.</param>
    /// <returns>The data of the answer; <see langword="null"/> for none.</returns>
    ValueTask<ReadOnlyMemory<byte>?> AnswerAsync(ReadOnlyMemory<byte>? challenge, CancellationToken cancellationToken);

    /// <summary>The server says that it is content. Here the client may prove the server in turn: what it throws ends the connection before anything is sent to it. Must not block.</summary>
    /// <param name="data">The last data, owned; <see langword="null"/> if there was none.</param>
    void Complete(ReadOnlyMemory<byte>? data);
}
