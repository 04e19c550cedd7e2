using System.Diagnostics.Metrics;

namespace Mqtt.EndToEnd.Tests;

public class MetricTests
{
    [Fact]
    public async Task A_broker_measures_what_it_counts_and_is_told_apart_by_its_name()
    {
        var listener = new MemoryListener();
        await using var broker = new MqttBroker(new MqttBrokerOptions { Name = "measured" });
        await using var server = new MqttServer(broker, new MqttServerOptions { Addresses = [], Listeners = [listener] });
        await server.StartAsync();
        await using var client = new MqttClient(new MqttClientOptions { ConnectChannel = _ => new(listener.Connect()), ClientId = "client" });
        await client.ConnectAsync().Soon();
        var messages = await client.SubscribeAsync("a", QualityOfService.AtLeastOnce);
        await client.PublishAsync("a", "1", QualityOfService.AtLeastOnce, retain: true).Soon();
        await messages.TakeAsync(1);
        await client.PublishAsync("b", "1", QualityOfService.ExactlyOnce).Soon(); // behind the acknowledgement: the broker has read everything

        var values = Measure("Mqtt.Broker", "mqtt.broker.name", "measured");
        values.Should().Contain(new Dictionary<string, long>
        {
            ["mqtt.broker.clients"] = 1,
            ["mqtt.broker.sessions"] = 1,
            ["mqtt.broker.subscriptions"] = 1,
            ["mqtt.broker.retained"] = 1,
            ["mqtt.broker.connections"] = 1,
            ["mqtt.broker.sessions.created"] = 1,
            ["mqtt.broker.messages.received mqtt.qos=1"] = 1,
            ["mqtt.broker.messages.received mqtt.qos=2"] = 1,
            ["mqtt.broker.messages.sent mqtt.qos=1"] = 1,
            ["mqtt.broker.messages.dropped mqtt.cause=Offline"] = 0,
        });
        values["mqtt.broker.bytes.received"].Should().Be(broker.Statistics.Traffic.BytesReceived).And.BePositive();
    }

    [Fact]
    public async Task A_client_measures_what_it_counts_over_all_its_connections_and_is_told_apart_by_its_identifier()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = await town.ConnectedAsync("measured-client", change: options => options with { Limits = new() { StreamMessageCount = 1 } });
        var messages = await client.SubscribeAsync("a", QualityOfService.AtLeastOnce);
        await client.PublishAsync("a", "1", QualityOfService.AtLeastOnce).Soon();
        await messages.TakeAsync(1);
        await client.DisconnectAsync().Soon();
        var bytesBefore = client.Statistics.BytesSent;
        await client.ConnectAsync().Soon();
        await client.PublishAsync("a", "2").Soon();
        await client.PublishAsync("a", "3").Soon();
        await client.PublishAsync("b", "4", QualityOfService.AtLeastOnce).Soon();

        var values = Measure("Mqtt.Client", "messaging.client.id", "measured-client");
        values.Should().Contain(new Dictionary<string, long>
        {
            ["mqtt.client.connected"] = 1,
            ["mqtt.client.connections"] = 2,
            ["mqtt.client.messages.sent"] = 4,
            ["mqtt.client.messages.received"] = 3,
            ["mqtt.client.messages.dropped"] = 1,
            ["mqtt.client.messages.queued"] = 0,
            ["mqtt.client.messages.lost mqtt.cause=QueueFull"] = 0,
            ["mqtt.client.bytes.received"] = client.Statistics.BytesReceived,
        });
        bytesBefore.Should().BePositive();
        values["mqtt.client.bytes.sent"].Should().BeGreaterThan(bytesBefore);
        values["mqtt.client.bytes.received"].Should().BePositive();
    }

    [Fact]
    public async Task A_broker_that_has_ended_measures_nothing()
    {
        await using (new MqttBroker(new MqttBrokerOptions { Name = "ended" }))
            Measure("Mqtt.Broker", "mqtt.broker.name", "ended").Should().NotBeEmpty();

        Measure("Mqtt.Broker", "mqtt.broker.name", "ended").Should().BeEmpty();
    }

    [Fact]
    public async Task The_documentation_lists_every_metric_with_its_unit()
    {
        var instruments = new List<string>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, _) =>
        {
            if (instrument.Meter.Name is "Mqtt.Broker" or "Mqtt.Client")
                instruments.Add($"| `{instrument.Name}` | {instrument.Unit} |");
        };
        await using var broker = new MqttBroker();
        await using var client = new MqttClient(new MqttClientOptions());
        listener.Start();

        var rows = File.ReadLines(Repository.Path("docs", "observability.md")).Where(line => line.StartsWith("| `mqtt.broker.", StringComparison.Ordinal) || line.StartsWith("| `mqtt.client.", StringComparison.Ordinal)).ToList();
        rows.Select(row => string.Join('|', row.Split('|')[..3]) + "|").Should().BeEquivalentTo(instruments);
    }

    // The values of all instruments of a meter whose tag has this value; other tags stand behind the name.
    private static Dictionary<string, long> Measure(string meter, string tag, string value)
    {
        var values = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, all) =>
        {
            if (instrument.Meter.Name == meter)
                all.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((instrument, measured, tags, _) =>
        {
            var others = tags.ToArray().Where(one => one.Key != tag).Select(one => $" {one.Key}={one.Value}").ToArray();
            if (tags.ToArray().Any(one => one.Key == tag && Equals(one.Value, value)))
                values[instrument.Name + string.Concat(others)] = measured;
        });
        listener.Start();
        listener.RecordObservableInstruments();
        return values;
    }
}
