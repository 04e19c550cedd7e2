using System.Security.Cryptography;
using System.Text;
using Mqtt.Client;
using Mqtt.Server;
using Mqtt.Server.Broker.Hooks;

// Challenge and response (5.0, section 4.12): who connects proves that it knows the key, and the key never travels.
var keys = new Dictionary<string, byte[]> { ["meter-7"] = RandomNumberGenerator.GetBytes(32) };

await using var broker = new MqttBroker(new MqttBrokerOptions { Hooks = [new ChallengeHook(keys)] });
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
await server.StartAsync();
var address = new Uri($"mqtt://{server.Endpoints[0]}");

await ConnectAsync("meter-7", keys["meter-7"]);
await ConnectAsync("meter-7", RandomNumberGenerator.GetBytes(32));

async Task ConnectAsync(string name, byte[] key)
{
    await using var client = new MqttClient(new MqttClientOptions
    {
        Server = address,
        ClientId = name,
        Authentication = new MqttAuthentication(ChallengeHook.Name)
        {
            InitialData = Encoding.UTF8.GetBytes(name),
            AnswerAsync = (challenge, _) => new(HMACSHA256.HashData(key, challenge!.Value.Span)),
        },
    });
    try
    {
        await client.ConnectAsync();
        Console.WriteLine($"{name} is in");
    }
    catch (MqttRefusedException refusal)
    {
        Console.WriteLine($"{name} is refused: {refusal.ReasonCode}");
    }
}

// One hook for each method; it may ask as often as it needs to.
sealed class ChallengeHook(IReadOnlyDictionary<string, byte[]> keys) : IEnhancedAuthenticationHook
{
    public const string Name = "HMAC-SHA256";

    public string Method => Name;

    public async ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationExchange exchange, CancellationToken cancellationToken)
    {
        var name = Encoding.UTF8.GetString(exchange.Data.Span);
        var challenge = RandomNumberGenerator.GetBytes(32);
        var answer = await exchange.ChallengeAsync(challenge);
        return keys.TryGetValue(name, out var key) && CryptographicOperations.FixedTimeEquals(answer.Span, HMACSHA256.HashData(key, challenge))
            ? AuthenticationResult.Allowed with { UserName = name }
            : AuthenticationResult.Refused();
    }
}
