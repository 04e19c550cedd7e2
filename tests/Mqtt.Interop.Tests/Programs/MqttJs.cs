using System.Text;
using System.Text.Json;

namespace Mqtt.Interop.Tests;

/// <summary>MQTT.js in a process of its own, which <c>tests/interop/client.js</c> keeps on a leash.</summary>
internal sealed class MqttJs : IAsyncDisposable
{
    private readonly RunningProgram program;
    private readonly List<JsonElement> unread = [];

    private MqttJs(RunningProgram program) => this.program = program;

    /// <summary>The versions as MQTT.js counts them: 3.1, 3.1.1, 5.0.</summary>
    public static readonly int[] Versions = [3, 4, 5];

    /// <summary>Starts MQTT.js, and connects it.</summary>
    /// <param name="server">The server.</param>
    /// <param name="version">One of <see cref="Versions"/>.</param>
    /// <param name="options">Options of <c>mqtt.connect</c>.</param>
    public static async Task<MqttJs> ConnectAsync(IServer server, int version, object? options = null)
    {
        var client = Start();
        try
        {
            await client.SendConnectAsync(server, version, options);
            await client.EventAsync("connected");
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts MQTT.js, lets it connect, and returns what the server answered: <c>connected</c> or <c>refused</c>.</summary>
    public static async Task<(MqttJs Client, JsonElement Answer)> TryConnectAsync(IServer server, int version, object? options = null)
    {
        var client = Start();
        await client.SendConnectAsync(server, version, options);
        return (client, await client.EventAsync("connected", "refused"));
    }

    /// <summary>Connects once more, as it was connected first.</summary>
    public async Task<JsonElement> ReconnectAsync()
    {
        await SendAsync(new { @do = "reconnect" });
        return await EventAsync("connected");
    }

    /// <summary>Subscribes; the granted quality, or the reason code of the refusal.</summary>
    public async Task<int> SubscribeAsync(string filter, object? options = null)
    {
        await SendAsync(new { @do = "subscribe", filter, options });
        return (await EventAsync("subscribed")).GetProperty("granted")[0].GetInt32();
    }

    public async Task UnsubscribeAsync(string filter)
    {
        await SendAsync(new { @do = "unsubscribe", filter });
        await EventAsync("unsubscribed");
    }

    /// <summary>Publishes, and waits for the acknowledgement, if there is one.</summary>
    public async Task PublishAsync(string topic, byte[] payload, object? options = null)
    {
        await SendAsync(new { @do = "publish", topic, payload = Convert.ToBase64String(payload), options });
        await EventAsync("published");
    }

    /// <summary>Publishes, and waits for nothing; the event <c>published</c> comes when it is done.</summary>
    public Task SendPublishAsync(string topic, byte[] payload, object? options = null) =>
        SendAsync(new { @do = "publish", topic, payload = Convert.ToBase64String(payload), options });

    public Task PublishAsync(string topic, string payload, object? options = null) => PublishAsync(topic, Encoding.UTF8.GetBytes(payload), options);

    /// <summary>The next message.</summary>
    public async Task<JsMessage> MessageAsync() => JsMessage.From(await EventAsync("message"));

    /// <summary>All messages before the one that says <c>end</c>.</summary>
    public async Task<List<JsMessage>> MessagesToEndAsync()
    {
        var messages = new List<JsMessage>();
        while (await MessageAsync() is { Text: not "end" } message)
            messages.Add(message);
        return messages;
    }

    /// <summary>Sends its process a signal, such as <c>STOP</c>.</summary>
    public Task SignalAsync(string name) => program.SignalAsync(name);

    /// <summary>Ends its process at once.</summary>
    public void Kill() => program.Kill();

    /// <summary>Cuts the connection without a farewell.</summary>
    public async Task CutAsync()
    {
        await SendAsync(new { @do = "cut" });
        await EventAsync("closed");
    }

    public async Task DisconnectAsync(object? options = null)
    {
        await SendAsync(new { @do = "disconnect", options });
        await EventAsync("closed");
    }

    /// <summary>The next event of one of these names; what comes before it waits for those who ask for it.</summary>
    public async Task<JsonElement> EventAsync(params string[] names)
    {
        var waiting = unread.FindIndex(one => names.Contains(NameOf(one)));
        if (waiting >= 0)
        {
            var found = unread[waiting];
            unread.RemoveAt(waiting);
            return found;
        }

        while (true)
        {
            var next = JsonDocument.Parse(await program.NextLineAsync()).RootElement;
            if (names.Contains(NameOf(next)))
                return next;
            if (NameOf(next) is "failed" || (NameOf(next) is "refused" && names.Contains("connected")))
                throw new InvalidOperationException($"MQTT.js was to say {string.Join(" or ", names)}, and said {next}.");
            unread.Add(next);
        }
    }

    public ValueTask DisposeAsync() => program.DisposeAsync();

    private static MqttJs Start()
    {
        if (!Directory.Exists(Repository.Path("tests", "interop", "node_modules", "mqtt")))
            throw new InvalidOperationException("MQTT.js is missing: run npm ci in tests/interop, as ./test.sh does.");
        return new MqttJs(RunningProgram.Start("node", ["client.js"], "install Debian's packages nodejs and npm, as ./test.sh does"));
    }

    private Task SendConnectAsync(IServer server, int version, object? options)
    {
        var all = JsonSerializer.SerializeToNode(options ?? new { })!.AsObject();
        all["protocolVersion"] = version;
        all["protocolId"] = version == 3 ? "MQIsdp" : "MQTT";
        return SendAsync(new { @do = "connect", port = server.Port, options = all });
    }

    private async Task SendAsync(object command)
    {
        await program.Input.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(command).Append((byte)'\n').ToArray());
        await program.Input.FlushAsync();
    }

    private static string NameOf(JsonElement one) => one.GetProperty("event").GetString()!;
}
