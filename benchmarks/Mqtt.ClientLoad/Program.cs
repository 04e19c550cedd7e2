using System.Globalization;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

// What a message costs our client: Mqtt.ClientLoad MODE PORT WARM COUNT. Publishes (pub0, pub1, and pub0turn: a hundred in a turn) or receives (sub0) WARM messages, then
// COUNT, and prints the processor time in microseconds for each of the latter. load/clientload.c and load/clientload.js do the same with other clients.
const int PayloadBytes = 64;
const int InFlight = 100;
var (mode, port, warm, count) = (args[0], args[1], Number(args[2]), Number(args[3]));
var payload = new byte[PayloadBytes];
MqttString topic = "bench/client";
TimeSpan before = default;

await using var client = new MqttClient(new MqttClientOptions { Server = new Uri($"mqtt://127.0.0.1:{port}"), SessionExpiry = TimeSpan.Zero });
await client.ConnectAsync();
await (mode switch
{
    "sub0" => ReceiveAsync(),
    "pub0turn" => PublishInTurnsAsync(),
    "pub1" => PublishAsync(InFlight, QualityOfService.AtLeastOnce),
    _ => PublishAsync(1, QualityOfService.AtMostOnce),
});
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(Environment.CpuUsage.TotalTime - before).TotalMicroseconds / count:0.000}"));

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);

void OnMessage(int number)
{
    if (number == warm)
        before = Environment.CpuUsage.TotalTime;
}

async Task ReceiveAsync()
{
    var all = new TaskCompletionSource();
    var received = 0;
    await using var subscription = await client.SubscribeAsync("bench/client", (_, _) =>
    {
        OnMessage(++received);
        if (received == warm + count)
            all.SetResult();
        return default;
    }, options: new MqttSubscriptionOptions { MessageCount = int.MaxValue, Bytes = int.MaxValue });
    Console.WriteLine("ready");
    await all.Task;
}

async Task PublishAsync(int publishers, QualityOfService qualityOfService)
{
    var next = 0;
    await Task.WhenAll(Enumerable.Range(0, publishers).Select(_ => Task.Run(async () =>
    {
        for (var number = Interlocked.Increment(ref next); number <= warm + count; number = Interlocked.Increment(ref next))
        {
            OnMessage(number);
            await client.PublishAsync(topic, payload, qualityOfService);
        }
    })));
    await client.DisconnectAsync();
}

async Task PublishInTurnsAsync()
{
    var waiting = new List<Task>();
    for (var number = 0; number < warm + count; number += InFlight)
    {
        OnMessage(number);
        PublishInTurn(waiting);
        await Task.WhenAll(waiting);
        waiting.Clear();
    }

    await client.DisconnectAsync();
}

// What finds no room for the moment is waited for.
void PublishInTurn(List<Task> waiting)
{
    using (Turn.Enter(out _))
    {
        for (var i = 0; i < InFlight; i++)
        {
            var publishing = client.PublishAsync(topic, payload).AsTask();
            if (!publishing.IsCompletedSuccessfully)
                waiting.Add(publishing);
        }
    }
}
