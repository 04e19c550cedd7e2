using System.Security.Cryptography;
using System.Text;
using Mqtt.Client;

/// <summary>The client's side of one exchange: proves that it knows the password, and that the server does.</summary>
sealed class ScramClient(string name, string password, string? nonce = null) : IMqttAuthenticationExchange
{
    private const int MaximumIterations = 1_000_000; // A server must not keep us busy for ever.

    private readonly string nonce = nonce ?? Scram.NewNonce();
    private string first = "";
    private byte[]? signature;

    public ReadOnlyMemory<byte>? Begin() => Encoding.UTF8.GetBytes(first = $"{Scram.Header}n={Scram.Escape(name)},r={nonce}");

    public ValueTask<ReadOnlyMemory<byte>?> AnswerAsync(ReadOnlyMemory<byte>? challenge, CancellationToken cancellationToken)
    {
        var serverFirst = Encoding.UTF8.GetString(challenge.GetValueOrDefault().Span);
        var (both, iterations) = (Scram.Attribute(serverFirst, 'r'), int.Parse(Scram.Attribute(serverFirst, 'i')));
        if (signature is not null || !both.StartsWith(nonce, StringComparison.Ordinal) || both.Length == nonce.Length)
            throw new CryptographicException("The server answers something else than what was asked.");
        if (iterations is < Scram.MinimumIterations or > MaximumIterations)
            throw new CryptographicException($"{iterations} iterations are too few or too many.");

        var salted = Scram.SaltedPassword(password, Convert.FromBase64String(Scram.Attribute(serverFirst, 's')), iterations);
        var final = $"c={Convert.ToBase64String(Encoding.UTF8.GetBytes(Scram.Header))},r={both}";
        var transcript = Scram.Transcript(first, serverFirst, final);
        signature = HMACSHA256.HashData(Scram.ServerKey(salted), transcript);
        return new(Encoding.UTF8.GetBytes($"{final},p={Convert.ToBase64String(Scram.Proof(Scram.ClientKey(salted), transcript))}"));
    }

    public void Complete(ReadOnlyMemory<byte>? data)
    {
        var given = Convert.FromBase64String(Scram.Attribute(Encoding.UTF8.GetString(data.GetValueOrDefault().Span), 'v'));
        if (signature is null || !CryptographicOperations.FixedTimeEquals(given, signature))
            throw new CryptographicException("The server does not know the password.");
    }
}
