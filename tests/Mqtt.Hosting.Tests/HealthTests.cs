using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Mqtt.Hosting.Tests;

public class HealthTests
{
    [Fact]
    public async Task A_client_is_healthy_while_it_is_connected()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttClient(options => stage.Dial(options) with { Server = new Uri("mqtt://user:secret@broker:1884"), ClientId = "press-7" }).WaitForConnection();
        stage.Services.AddHealthChecks().AddMqttClient(failureStatus: HealthStatus.Degraded);
        (await CheckAsync(stage, "mqtt-client")).Status.Should().Be(HealthStatus.Degraded);
        var starting = stage.Host.StartAsync();
        var server = await stage.DialledAsync();
        await server.AcceptAsync();
        await starting.Soon();

        var entry = await CheckAsync(stage, "mqtt-client");
        entry.Status.Should().Be(HealthStatus.Healthy);
        entry.Data.Should().Equal(new Dictionary<string, object> { ["server"] = "mqtt://broker:1884", ["clientId"] = "press-7", ["state"] = "Connected" });

        var told = new TaskCompletionSource<MqttClientEvent>();
        stage.Get<MqttClient>().Happened += (_, what) =>
        {
            if (what is MqttDisconnectedEvent)
                told.TrySetResult(what);
        };
        await server.SendAsync(new DisconnectPacket { ReasonCode = ReasonCode.ServerShuttingDown });
        var lost = await told.Task.Soon();
        entry = await CheckAsync(stage, "mqtt-client");
        (entry.Status, entry.Description).Should().Be((HealthStatus.Degraded, lost.ToString()));
        entry.Data["state"].Should().Be("Reconnecting");
    }

    [Fact]
    public async Task A_client_with_a_name_has_a_check_of_its_own()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttClient("press", stage.Dial);
        stage.Services.AddHealthChecks().AddMqttClient("press");

        (await CheckAsync(stage, "mqtt-client-press")).Status.Should().Be(HealthStatus.Unhealthy);
    }

    [Fact]
    public async Task A_broker_is_healthy_while_its_server_runs()
    {
        await using var stage = new Stage();
        stage.Services.AddMqttBroker().ConfigureServer(options => options with { Addresses = [], Listeners = [new MemoryListener()] });
        stage.Services.AddHealthChecks().AddMqttBroker();
        (await CheckAsync(stage, "mqtt-broker")).Status.Should().Be(HealthStatus.Unhealthy);
        await stage.Host.StartAsync().Soon();
        (await CheckAsync(stage, "mqtt-broker")).Status.Should().Be(HealthStatus.Healthy);

        await stage.Host.StopAsync().Soon();
        (await CheckAsync(stage, "mqtt-broker")).Status.Should().Be(HealthStatus.Unhealthy);
    }

    [Fact]
    public async Task A_broker_that_holds_more_bytes_than_it_may_is_degraded()
    {
        await using var stage = new Stage();
        var listener = new MemoryListener();
        stage.Services.AddMqttBroker()
            .ConfigureServer(options => options with { Addresses = [], Listeners = [listener] })
            .ConfigureBroker(options => options with { MemoryBytes = 1 });
        stage.Services.AddHealthChecks().AddMqttBroker();
        await stage.Host.StartAsync().Soon();
        var held = BufferPool.Rent(1024);
        try
        {
            (await CheckAsync(stage, "mqtt-broker")).Status.Should().Be(HealthStatus.Degraded);
        }
        finally
        {
            BufferPool.Return(held);
        }
    }

    private static async Task<HealthReportEntry> CheckAsync(Stage stage, string name) => (await stage.Get<HealthCheckService>().CheckHealthAsync()).Entries[name];
}
