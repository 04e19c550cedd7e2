using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker.Telemetry;

/// <summary>
/// The metrics of all brokers of the process, as observable instruments over what they count anyway: a message costs nothing more, and nobody is asked unless
/// somebody collects. A broker stands here from its beginning to its end, and is not kept alive by it. docs/observability.md lists them.
/// </summary>
internal static class BrokerMeter
{
    public const string Name = "Mqtt.Broker";

    private static readonly Meter Meter = new(Name);
    private static readonly ConditionalWeakTable<MqttBroker, string?[]> Brokers = [];

    static BrokerMeter()
    {
        UpDown("mqtt.broker.clients", "{client}", "Clients that are connected.", static broker => broker.Statistics.Connected);
        UpDown("mqtt.broker.sessions", "{session}", "Sessions, connected or not.", static broker => broker.SessionCount);
        UpDown("mqtt.broker.subscriptions", "{subscription}", "Subscriptions of all sessions.", static broker => broker.Subscriptions.Count);
        UpDown("mqtt.broker.retained", "{message}", "Topics with a retained message.", static broker => broker.RetainedCount);
        Counter("mqtt.broker.connections", "{connection}", "Clients that have connected.", static broker => broker.Statistics.Connections);
        Counter("mqtt.broker.sessions.created", "{session}", "Sessions that began.", static broker => broker.Statistics.SessionsCreated);
        Counter("mqtt.broker.sessions.resumed", "{session}", "Times that a client went on with its session.", static broker => broker.Statistics.SessionsResumed);
        Counter("mqtt.broker.sessions.ended", "{session}", "Sessions that ended, by mqtt.cause.", "mqtt.cause", Enum.GetValues<SessionEnd>(), static (broker, cause) => broker.Statistics.SessionsEnded(cause));
        Counter("mqtt.broker.messages.dropped", "{message}", "Copies of messages that were dropped, by mqtt.cause.", "mqtt.cause", Enum.GetValues<DropCause>(), static (broker, cause) => broker.Statistics.Dropped(cause));
        Counter("mqtt.broker.messages.received", "{message}", "PUBLISH packets that came, by mqtt.qos.", "mqtt.qos", Enum.GetValues<QualityOfService>(), static (broker, qos) => broker.Statistics.Traffic.MessagesReceivedAt(qos));
        Counter("mqtt.broker.messages.sent", "{message}", "PUBLISH packets that were sent, by mqtt.qos.", "mqtt.qos", Enum.GetValues<QualityOfService>(), static (broker, qos) => broker.Statistics.Traffic.MessagesSentAt(qos));
        Counter("mqtt.broker.packets.received", "{packet}", "Packets that came.", static broker => broker.Statistics.Traffic.PacketsReceived);
        Counter("mqtt.broker.packets.sent", "{packet}", "Packets that were sent.", static broker => broker.Statistics.Traffic.PacketsSent);
        Counter("mqtt.broker.bytes.received", "By", "Bytes of the packets that came.", static broker => broker.Statistics.Traffic.BytesReceived);
        Counter("mqtt.broker.bytes.sent", "By", "Bytes of the packets that were sent.", static broker => broker.Statistics.Traffic.BytesSent);
        Counter("mqtt.broker.publisher.pauses", "{pause}", "Times that a publisher waited for a slow subscriber.", static broker => broker.Statistics.PublisherPauses);
        Counter("mqtt.broker.hooks.failed", "{call}", "Calls of hooks that threw.", static broker => broker.Statistics.HookFailures);
        Counter("mqtt.broker.hooks.slow", "{call}", "Calls of hooks that took too long.", static broker => broker.Statistics.SlowHooks);
        Counter("mqtt.broker.hooks.lost", "{notice}", "Notices of which an observer was not told.", static broker => broker.Statistics.HookNoticesLost);

        // One number for the process, whoever in it holds them.
        Meter.CreateObservableUpDownCounter("mqtt.broker.memory", static () => BufferPool.RentedBytes, "By", "Bytes that connections, queues and retained messages of the process hold.");
    }

    /// <summary>Counts a broker in.</summary>
    public static void Add(MqttBroker broker, string? name) => Brokers.Add(broker, [name]);

    /// <summary>Counts a broker out.</summary>
    public static void Remove(MqttBroker broker) => Brokers.Remove(broker);

    private static void Counter(string name, string unit, string description, Func<MqttBroker, long> read) =>
        Meter.CreateObservableCounter(name, () => Brokers.Select(entry => new Measurement<long>(read(entry.Key), Tags(entry.Value[0]))), unit, description);

    private static void UpDown(string name, string unit, string description, Func<MqttBroker, long> read) =>
        Meter.CreateObservableUpDownCounter(name, () => Brokers.Select(entry => new Measurement<long>(read(entry.Key), Tags(entry.Value[0]))), unit, description);

    private static void Counter<T>(string name, string unit, string description, string tag, T[] values, Func<MqttBroker, T, long> read)
        where T : struct, Enum => Meter.CreateObservableCounter(
            name,
            () => Brokers.SelectMany(entry => values.Select(value => new Measurement<long>(read(entry.Key, value), [.. Tags(entry.Value[0]), new(tag, TextOf(value))]))),
            unit,
            description);

    private static KeyValuePair<string, object?>[] Tags(string? name) => name is null ? [] : [new("mqtt.broker.name", name)];

    private static object TextOf<T>(T value)
        where T : struct, Enum => value is QualityOfService qualityOfService ? (int)qualityOfService : value.ToString();
}
