using Mqtt.Server;

// A complete broker in ten lines: Broker [ADDRESS]. Ctrl+C stops it: no new connections, DISCONNECT to everybody, then the end.
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.Cancel();
};

var address = args is [var first] ? first : "mqtt://127.0.0.1:1883";

await using var broker = new MqttBroker(new MqttBrokerOptions { Limits = new() { QueueCount = 1_000 } });
await using var server = new MqttServer(address);
await server.ListenAndServeAsync(broker, stop.Token);
