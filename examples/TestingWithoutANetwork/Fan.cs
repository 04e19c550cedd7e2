using Mqtt.Client;
using Mqtt.Protocol;

/// <summary>The program under test: a fan that goes on above 30 degrees.</summary>
internal sealed class Fan(MqttClient client) : IAsyncDisposable
{
    public async Task StartAsync()
    {
        client.Subscribe("plant/temperature", async (message, stop) =>
        {
            var state = int.Parse(message.GetText()) > 30 ? "on" : "off";
            await client.PublishAsync("fan/state", state, QualityOfService.AtLeastOnce, cancellationToken: stop);
        }, QualityOfService.AtLeastOnce);
        await client.ConnectAsync();
    }

    /// <summary>Completes when it has lost its connection.</summary>
    public Task<MqttClientState> LostAsync()
    {
        var lost = new TaskCompletionSource<MqttClientState>();
        client.Happened += (_, what) =>
        {
            if (what is MqttDisconnectedEvent)
                lost.TrySetResult(what.State);
        };
        return lost.Task;
    }

    public ValueTask DisposeAsync() => client.DisposeAsync();
}
