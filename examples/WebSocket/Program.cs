using System.Net;
using System.Net.Sockets;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server;

// MQTT through whatever lets HTTP through. A server takes ws:// addresses by itself; but any web server that can upgrade a request may stand
// before it. This one is the base class library's.
using var web = new HttpListener();
var port = FreePort();
web.Prefixes.Add($"http://127.0.0.1:{port}/mqtt/");
web.Start();
await using var broker = new MqttBroker();
await using var server = new MqttServer(broker, "mqtt://127.0.0.1:0");
await server.StartAsync();
var serving = ServeAsync();

await using var client = new MqttClient(new MqttClientOptions
{
    Server = new Uri($"ws://127.0.0.1:{port}"), // wss for TLS; the path is /mqtt unless another is given
    WebSocket = new() { RequestHeaders = new Dictionary<string, string> { ["Authorization"] = "Bearer let-me-in" } },
});
await using var readings = client.Subscribe("plant/+/temperature", QualityOfService.AtLeastOnce);
await client.ConnectAsync();
await client.PublishAsync("plant/7/temperature", "21.5", QualityOfService.AtLeastOnce);
await foreach (var message in readings)
{
    Console.WriteLine($"{message.Topic} = {message.GetText()}");
    break;
}

await serving;

async Task ServeAsync()
{
    var context = await web.GetContextAsync();
    Console.WriteLine($"{context.Request.RawUrl} with {context.Request.Headers["Authorization"]}");
    var socket = (await context.AcceptWebSocketAsync("mqtt")).WebSocket;
    server.Serve(new WebSocketChannel(socket));
}

static int FreePort()
{
    using var socket = new TcpListener(IPAddress.Loopback, 0);
    socket.Start();
    return ((IPEndPoint)socket.LocalEndpoint).Port;
}
