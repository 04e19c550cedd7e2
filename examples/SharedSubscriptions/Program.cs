using System.Collections.Concurrent;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Server;

// Workers share the jobs: each job is done by one of them, and a worker that leaves loses none. Broker and clients are in this one program.
const int JobCount = 9;
await using var broker = new MqttBroker();
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
await server.StartAsync();
var address = new Uri($"mqtt://{server.Endpoints[0]}");

var done = new ConcurrentDictionary<string, string>();
var allDone = new TaskCompletionSource();

await using var anna = await StartWorkerAsync("Anna");
await using var bert = await StartWorkerAsync("Bert");
await using var boss = new MqttClient(new MqttClientOptions { Server = address });
await boss.ConnectAsync();

for (var number = 1; number <= JobCount; number++)
{
    if (number == 7)
        await bert.DisconnectAsync(); // what he has not acknowledged goes to Anna
    (await boss.PublishAsync($"jobs/{number}", $"job {number}", QualityOfService.AtLeastOnce)).EnsureSuccess();
}

await allDone.Task;
foreach (var (job, worker) in done.OrderBy(one => one.Key))
    Console.WriteLine($"{job}: {worker}");

async Task<MqttClient> StartWorkerAsync(string name)
{
    // Without a session that outlives the connection, the others take over at once what a worker leaves behind.
    var worker = new MqttClient(new MqttClientOptions { Server = address, ClientId = name, CleanStart = true, SessionExpiry = TimeSpan.Zero });
    await worker.ConnectAsync();
    await worker.SubscribeAsync("$share/workers/jobs/+", (job, _) =>
    {
        done[job.GetText()] = name; // acknowledged once this returns
        if (done.Count == JobCount)
            allDone.TrySetResult();
        return default;
    }, QualityOfService.AtLeastOnce);
    return worker;
}
