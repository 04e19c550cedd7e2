using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Server;
using Mqtt.Testing;

// What tests of a program that speaks MQTT look like: the real client and broker, no network, no sleep.
var time = new VirtualTime();
await using var broker = new TestBroker(new MqttBrokerOptions { TimeProvider = time });
var client = await broker.ConnectClientAsync("test");
await using var states = await client.SubscribeAsync("fan/state", QualityOfService.AtLeastOnce);

// The program under test gets a client, or options that lead it here: ConnectChannel = broker.ConnectChannelAsync.
await using var fan = new Fan(broker.CreateClient("fan"));
await fan.StartAsync();
await client.PublishAsync("plant/temperature", "31", QualityOfService.AtLeastOnce);
Console.WriteLine($"31 degrees: {await NextAsync(states)}");

// Time passes when the test says so: what was to be kept for an hour is gone in no time.
await client.PublishAsync(new MqttMessage("notes", "old") { Retain = true, QualityOfService = QualityOfService.AtLeastOnce, Expiry = TimeSpan.FromHours(1) });
Console.WriteLine($"now: {broker.Broker.Retained.Find("notes") is not null}");
time.Advance(TimeSpan.FromHours(2));
Console.WriteLine($"two hours later: {broker.Broker.Retained.Find("notes") is not null}");

// A server that says what no broker says on demand.
await using var server = new ScriptedServer();
await using var refused = new MqttClient(new MqttClientOptions { ConnectChannel = server.ConnectChannelAsync });
var connecting = refused.ConnectAsync();
var script = await server.NextConnectionAsync();
await script.AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.Banned });
Console.WriteLine($"refused: {await ReasonAsync(connecting)}");

// A network that breaks after ten bytes more.
var connection = broker.Connections[1];
connection.Writing.CutAfter(connection.Writing.PassedBytes + 10);
var lost = fan.LostAsync();
await client.PublishAsync("plant/temperature", "19", QualityOfService.AtLeastOnce);
Console.WriteLine($"cut: {await lost}");

static async Task<string> NextAsync(MqttSubscription messages)
{
    await foreach (var message in messages)
        return message.GetText();
    return "the end";
}

static async Task<ReasonCode> ReasonAsync(ValueTask<MqttConnectResult> connecting)
{
    try
    {
        await connecting;
        return ReasonCode.Success;
    }
    catch (MqttRefusedException refusal)
    {
        return refusal.ReasonCode;
    }
}
