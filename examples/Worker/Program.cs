using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Mqtt.Client;
using Mqtt.Hosting;
using Mqtt.Protocol;
using Mqtt.Server;

// A worker that lives with its host and outlives its connection. Here the broker is in the same program, to cut the worker off.
await using var broker = new MqttBroker();
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
await server.StartAsync();
await using var app = await broker.ConnectAsync("app");
await using var readings = await app.SubscribeAsync("plant/7/temperature", async (message, stop) =>
{
    Console.WriteLine($"app: {System.Text.Encoding.UTF8.GetString(message.Payload.Span)}");
    await broker.DisconnectAsync("boiler-7", cancellationToken: stop); // the worker's connection, after each reading
}, QualityOfService.AtLeastOnce);
await broker.PublishAsync("plant/7/target", "23", retain: true);

var builder = Host.CreateEmptyApplicationBuilder(new());
builder.Services.AddSingleton<Boiler>();
builder.Services
    .AddMqttClient(options => options with { Server = new($"mqtt://{server.Endpoints[0]}"), ClientId = "boiler-7", Reconnect = new() { Delay = TimeSpan.FromMilliseconds(100) } })
    .AddHandler<TargetHandler>("plant/{id}/target", QualityOfService.AtLeastOnce);
builder.Services.AddHostedService<Reporter>();
await builder.Build().RunAsync();

sealed class Boiler
{
    public TaskCompletionSource<int> Target { get; } = new();
}

// Made for each message, in a scope of its own.
sealed class TargetHandler(Boiler boiler) : IMqttMessageHandler
{
    public ValueTask HandleAsync(MqttMessage message, MqttTopicParameters parameters, CancellationToken cancellationToken)
    {
        if (boiler.Target.TrySetResult(int.Parse(message.GetText())))
            Console.WriteLine($"boiler {parameters["id"]}: heats to {message.GetText()}");
        return default;
    }
}

sealed class Reporter(MqttClient client, Boiler boiler, IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var target = await boiler.Target.Task.WaitAsync(stoppingToken);
        for (var temperature = 21; temperature <= target; temperature++) // each waits until it is acknowledged, over as many connections as that takes
            await client.PublishAsync("plant/7/temperature", $"{temperature}", QualityOfService.ExactlyOnce, cancellationToken: stoppingToken);
        lifetime.StopApplication();
    }
}
