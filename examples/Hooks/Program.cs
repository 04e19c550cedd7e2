using System.Text;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Server;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Rules;

// A broker whose program has a say in what happens, and a client that finds out. Hooks of one kind are asked in the order of the list:
// a hook decides before something happens, and its client waits; an observer is told afterwards, and nobody waits.
await using var broker = new MqttBroker(new MqttBrokerOptions
{
    Hooks =
    [
        new Rights(),
        new Units(),
        new TopicRewrite(new TopicRewriteRule("v1/{device}/temp", "plant/{device}/temperature")),
        new AutomaticSubscriptions(new TopicSubscription("inbox/%c")),
        new Log(),
    ],
});
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
await server.StartAsync();

await using (var client = new MqttClient(new MqttClientOptions { Server = new($"mqtt://{server.Endpoints[0]}"), ClientId = "device-7" }))
{
    await client.ConnectAsync();
    var allowed = await client.PublishAsync("v1/device-7/temp", "21.5", QualityOfService.AtLeastOnce);
    var denied = await client.PublishAsync("v1/device-8/temp", "0", QualityOfService.AtLeastOnce);
    Console.WriteLine($"client: {allowed.ReasonCode}, {denied.ReasonCode}");
}

await server.StopAsync();

// A client may publish what is about itself; a hook that throws denies. Only a comparison: it may run on the connection's own thread.
sealed class Rights : IAuthorizationHook, IInlineBrokerHook
{
    public ValueTask<bool> MayPublishAsync(BrokerClient client, PublishAccess access) =>
        new(access.Topic.ToString().Split('/') is [_, var device, ..] && device == client.ClientId);
}

// Every message says what its number means.
sealed class Units : IMessageHook
{
    public async ValueTask OnPublishAsync(PublishRequest request)
    {
        await Task.Delay(10); // a look into a data base: this client waits, and nobody else
        request.Payload = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(request.Payload.Span) + " C");
    }
}

sealed class Log : IConnectionObserver, IMessageObserver
{
    public ValueTask OnConnectedAsync(BrokerClient client, bool resumed) => Write($"{client} connected");

    public ValueTask OnPublishedAsync(BrokerClient? client, BrokerMessage message, int receivers) => Write($"{client}: {message.Topic} = {Encoding.UTF8.GetString(message.Payload.Span)}");

    private static ValueTask Write(string line) => new(Console.Out.WriteLineAsync($"broker: {line}"));
}
