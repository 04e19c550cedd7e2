using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;

namespace Mqtt.Client;

/// <summary>
/// The metrics of all clients of the process, as observable instruments over what they count anyway, told apart by their identifiers. A client stands here from its beginning to its
/// end, and is not kept alive by it. docs/observability.md lists them.
/// </summary>
internal static class ClientMeter
{
    private static readonly Meter Meter = new(ClientTracing.SourceName);
    private static readonly ConditionalWeakTable<MqttClient, object?> Clients = [];
    private static readonly MqttPublishLoss[] Losses = Enum.GetValues<MqttPublishLoss>();

    static ClientMeter()
    {
        Meter.CreateObservableUpDownCounter("mqtt.client.connected", () => Measure(static client => client.IsConnected ? 1 : 0), "{connection}", "1 while the client is connected, else 0.");
        Counter("mqtt.client.connections", "{connection}", "Connections that were accepted.", static statistics => statistics.Connections);
        Counter("mqtt.client.messages.received", "{message}", "PUBLISH packets that came.", static statistics => statistics.MessagesReceived);
        Counter("mqtt.client.messages.sent", "{message}", "PUBLISH packets that were sent.", static statistics => statistics.MessagesSent);
        Counter("mqtt.client.messages.dropped", "{message}", "QoS 0 messages that found their stream full.", static statistics => statistics.MessagesDropped);
        Meter.CreateObservableUpDownCounter("mqtt.client.messages.queued", () => Measure(static client => client.Statistics.MessagesQueued), "{message}", "Messages that wait to be sent.");
        Meter.CreateObservableCounter("mqtt.client.messages.lost", MeasureLosses, "{message}", "Messages that were to be published and were not, or perhaps not.");
        Counter("mqtt.client.bytes.received", "By", "Bytes that came.", static statistics => statistics.BytesReceived);
        Counter("mqtt.client.bytes.sent", "By", "Bytes that were sent.", static statistics => statistics.BytesSent);
    }

    /// <summary>Counts a client in.</summary>
    public static void Add(MqttClient client) => Clients.Add(client, null);

    /// <summary>Counts a client out.</summary>
    public static void Remove(MqttClient client) => Clients.Remove(client);

    private static void Counter(string name, string unit, string description, Func<MqttClientStatistics, long> read) =>
        Meter.CreateObservableCounter(name, () => Measure(client => read(client.Statistics)), unit, description);

    private static IEnumerable<Measurement<long>> Measure(Func<MqttClient, long> read) => Clients.Select(entry => new Measurement<long>(read(entry.Key), NameOf(entry.Key)));

    private static IEnumerable<Measurement<long>> MeasureLosses() =>
        from entry in Clients
        from cause in Losses
        select new Measurement<long>(entry.Key.Statistics.MessagesLost(cause), NameOf(entry.Key), new KeyValuePair<string, object?>("mqtt.cause", cause.ToString()));

    private static KeyValuePair<string, object?> NameOf(MqttClient client) => new("messaging.client.id", client.ClientId);
}
