using System.Globalization;
using Mqtt.Server;

// A broker inside somebody's process, which sets no switch of the runtime and has work of its own: Mqtt.LibraryHost PORT [TASKS [sockets]].
// TASKS loops keep the thread pool busy, each with 20 ms of blocking work and a 20 ms break; "sockets" serves over the runtime's sockets instead
// of event loops, for comparison.
var port = int.Parse(args[0], CultureInfo.InvariantCulture);
var tasks = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 0;
var overSockets = args is [_, _, "sockets"];

using var stop = new CancellationTokenSource();
var work = Enumerable.Range(0, tasks).Select(_ => Task.Run(() => WorkAsync(stop.Token))).ToArray();
await using var broker = new MqttBroker();
var options = new MqttServerOptions { Addresses = [$"mqtt://127.0.0.1:{port}"] };
await using var server = new MqttServer(overSockets ? options with { EventLoops = 0 } : options);
await server.ListenAndServeAsync(broker, stop.Token);
await Task.WhenAll(work);

static async Task WorkAsync(CancellationToken stop)
{
    while (!stop.IsCancellationRequested)
    {
        Thread.Sleep(20);
        await Task.Delay(20, CancellationToken.None);
    }
}
