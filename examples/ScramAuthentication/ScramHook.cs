using System.Security.Cryptography;
using System.Text;
using Mqtt.Server.Broker.Hooks;

/// <summary>The server's side. A name that it does not know fails like a wrong password, at the end, so that nobody can find out who has an account.</summary>
sealed class ScramHook(IReadOnlyDictionary<string, ScramAccount> accounts, Func<string>? newNonce = null) : IEnhancedAuthenticationHook
{
    private readonly byte[] secret = RandomNumberGenerator.GetBytes(32);

    public string Method => Scram.Method;

    public async ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationExchange exchange, CancellationToken cancellationToken)
    {
        var clientFirst = Encoding.UTF8.GetString(exchange.Data.Span);
        if (!clientFirst.StartsWith(Scram.Header, StringComparison.Ordinal))
            return AuthenticationResult.Refused();
        var name = Scram.Unescape(Scram.Attribute(clientFirst, 'n'));
        var account = accounts.TryGetValue(name, out var known) ? known : Nobody(name);

        var nonce = Scram.Attribute(clientFirst, 'r') + (newNonce ?? Scram.NewNonce)();
        var serverFirst = $"r={nonce},s={Convert.ToBase64String(account.Salt)},i={account.Iterations}";
        var answer = await exchange.ChallengeAsync(Encoding.UTF8.GetBytes(serverFirst));

        var clientFinal = Encoding.UTF8.GetString(answer.Span);
        var transcript = Scram.Transcript(clientFirst, serverFirst, clientFinal);
        var isBound = Scram.Attribute(clientFinal, 'c') == Convert.ToBase64String(Encoding.UTF8.GetBytes(Scram.Header)) && Scram.Attribute(clientFinal, 'r') == nonce;
        var isProven = Scram.Verify(Convert.FromBase64String(Scram.Attribute(clientFinal, 'p')), account.StoredKey, transcript);
        if (!isBound || !isProven || known is null)
            return AuthenticationResult.Refused();
        var signature = HMACSHA256.HashData(account.ServerKey, transcript);
        return AuthenticationResult.Allowed with { UserName = name, AuthenticationData = Encoding.UTF8.GetBytes($"v={Convert.ToBase64String(signature)}") };
    }

    // Always the same salt for the same name, as an account has.
    private ScramAccount Nobody(string name) => new(HMACSHA256.HashData(secret, Encoding.UTF8.GetBytes(name))[..16], Scram.MinimumIterations, new byte[32], new byte[32]);
}
