using Mqtt.Client;
using Mqtt.Server;

// SCRAM-SHA-256 over AUTH packets (5.0, section 4.12): the password never travels, the server keeps none, and the client learns that the server is no impostor.
var accounts = new Dictionary<string, ScramAccount> { ["meter-7"] = ScramAccount.Create("correct horse") };
await using var broker = new MqttBroker(new MqttBrokerOptions { Hooks = [new ScramHook(accounts)] });
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
await server.StartAsync();

await ConnectAsync("meter-7", "correct horse");
await ConnectAsync("meter-7", "battery staple");
await ConnectAsync("meter-8", "correct horse");

async Task ConnectAsync(string name, string password)
{
    await using var client = new MqttClient(new MqttClientOptions
    {
        Server = new Uri($"mqtt://{server.Endpoints[0]}"),
        ClientId = name,
        Authentication = new MqttAuthentication(Scram.Method) { BeginExchange = () => new ScramClient(name, password) },
    });
    try
    {
        await client.ConnectAsync();
        Console.WriteLine($"{name} is in");
        await client.ReauthenticateAsync(); // Whenever the program likes; messages go on flowing.
        Console.WriteLine($"{name} has proven it once more");
    }
    catch (MqttRefusedException refusal)
    {
        Console.WriteLine($"{name} is refused: {refusal.ReasonCode}");
    }
}
