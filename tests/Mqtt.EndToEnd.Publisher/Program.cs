using Mqtt.Client;
using Mqtt.Client.Sqlite;
using Mqtt.Protocol;

// A process for tests to kill: it enqueues 1, 2, 3 ... at QoS 1 and 2 in turn, says which are taken, and never ends by itself: Mqtt.EndToEnd.Publisher FILE [ADDRESS]
await using var client = new MqttClient(new MqttClientOptions
{
    ClientId = "publisher",
    Server = new Uri(args.Length > 1 ? args[1] : "mqtt://localhost"),
    Queue = new() { Store = new MqttSqliteStore(args[0]), Count = int.MaxValue, Bytes = long.MaxValue },
});
if (args.Length > 1)
    await client.ConnectAsync();

// Several are under way at any time, so that they share commits.
var taken = new Queue<Task<bool>>();
for (var number = 1; ; number++)
{
    taken.Enqueue(client.EnqueueAsync(new MqttMessage("a", $"{number}") { QualityOfService = (QualityOfService)(1 + (number % 2)) }).AsTask());
    if (taken.Count < 20)
        continue;
    await taken.Dequeue();
    Console.WriteLine(number - taken.Count);
}
