using Mqtt.Client;
using Mqtt.Client.Sqlite;
using Mqtt.Protocol;
using Mqtt.Server;

// A meter that measures whether or not there is a network, and loses nothing when its program ends. Here the broker is in the same program, and comes later.
var file = Path.Combine(Directory.CreateTempSubdirectory().FullName, "queue.db");
await using var broker = new MqttBroker();
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");

await MeasureAsync("21.5", "21.6"); // no server is there, and none is needed
await MeasureAsync("21.7");         // the program was started again

await server.StartAsync();
await using var app = new MqttClient(new MqttClientOptions { Server = Address() });
await using var readings = app.Subscribe("plant/7/temperature", QualityOfService.ExactlyOnce);
await app.ConnectAsync();
await readings.WaitForAnswersAsync();

await using var meter = new MqttClient(Options() with { Server = Address() });
meter.Happened += (_, what) =>
{
    if (what is MqttPublishLostEvent lost) // refused, expired, dropped, or its outcome is unknown
        Console.WriteLine(lost);
};
await meter.ConnectAsync(); // what an earlier run has left goes out first
await meter.EnqueueAsync(Reading("21.8"));

var count = 0;
await foreach (var message in readings)
{
    Console.WriteLine($"app: {message.GetText()}");
    if (++count == 4)
        break;
}

async Task MeasureAsync(params string[] values)
{
    await using var client = new MqttClient(Options());
    foreach (var value in values)
        await client.EnqueueAsync(Reading(value)); // true: it is in the file, and will be sent
    Console.WriteLine($"meter: {client.Statistics.MessagesQueued} wait");
}

// A store needs a name that stays; the session must outlive the program for QoS 2 to mean exactly once.
MqttClientOptions Options() => new()
{
    ClientId = "meter-7",
    SessionExpiry = TimeSpan.FromDays(1),
    Queue = new() { Store = new MqttSqliteStore(file), Acknowledged = MqttQueuePolicy.DropOldest },
};

MqttMessage Reading(string value) => new("plant/7/temperature", value) { QualityOfService = QualityOfService.ExactlyOnce, Expiry = TimeSpan.FromDays(7) };

Uri Address() => new($"mqtt://{server.Endpoints[0]}");
