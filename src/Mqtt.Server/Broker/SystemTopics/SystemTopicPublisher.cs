using System.Globalization;
using System.Reflection;
using System.Text;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Flows;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Sessions;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.SystemTopics;

/// <summary>
/// Publishes what the broker tells about itself below <c>$SYS/broker</c>, on its interval: retained, not stored, its own traffic not counted. What it takes does not
/// grow with the number of clients. Runs on the heartbeat.
/// </summary>
internal sealed class SystemTopicPublisher : Deadline
{
    private static readonly string Version =
        typeof(SystemTopicPublisher).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "unknown";

    private readonly MqttBroker broker;
    private readonly SessionContext context;
    private readonly SessionTable table;
    private readonly PublishFlow publishing;
    private readonly DateTimeOffset started;
    private int count;

    public SystemTopicPublisher(MqttBroker broker, SessionContext context, SessionTable table, PublishFlow publishing)
    {
        this.broker = broker;
        this.context = context;
        this.table = table;
        this.publishing = publishing;
        started = context.Heartbeat.UtcNow;
        Reconfigure();
    }

    /// <summary>How many retained messages are this publisher's.</summary>
    public int Count => Volatile.Read(ref count);

    /// <summary>Tells that a client has come or gone; no retained message, and nothing that is secret.</summary>
    public void Notify(string clientId, bool isOnline)
    {
        if (!context.Options.ConnectionNotices)
            return;
        var topic = MqttString.FromString("$SYS/broker/connection/clients/" + clientId);
        if (!MqttTopic.IsValidName(topic.Span))
            return;
        var notice = new ConnectionNotice(clientId, isOnline, context.Heartbeat.UtcNow.ToUnixTimeSeconds());
        using (Turn.Enter(out var turn))
            Publish(topic.Bytes, notice.ToUtf8(), retain: false, turn);
    }

    /// <summary>Writes down what was counted, if the next broker is to count on.</summary>
    public void Keep()
    {
        if (context.Options.Compatibility.RestoreStatistics)
            context.Store?.Counters?.Save(context.Statistics.Counters());
    }

    /// <summary>The interval may have changed.</summary>
    public void Reconfigure()
    {
        if (context.Options.SystemInterval > TimeSpan.Zero)
            context.Heartbeat.SetAfter(this, context.Options.SystemInterval);
        else
            context.Heartbeat.Clear(this);
    }

    protected internal override long OnDue(long now)
    {
        Keep();
        using (Turn.Enter(out var turn))
        {
            var values = Values().ToList();
            Volatile.Write(ref count, values.Count);
            foreach (var (topic, value) in values)
                Publish(Encoding.UTF8.GetBytes("$SYS/broker/" + topic), Encoding.UTF8.GetBytes(value), retain: true, turn);
        }

        context.Hooks.Broker?.Tell(broker, static (observer, broker) => observer.OnSystemTickAsync(broker));

        // Switched off at this moment, it is not due again.
        return context.Options.SystemInterval is var interval && interval > TimeSpan.Zero ? now + (long)interval.TotalMilliseconds : Never;
    }

    private void Publish(ReadOnlyMemory<byte> topic, ReadOnlyMemory<byte> payload, bool retain, Turn turn)
    {
        var counters = context.Statistics.OfThread;
        var before = new Traffic();
        before.Add(counters);
        publishing.PublishSystem(new MessageParts { Topic = topic, Payload = payload, Retain = retain, ExpiresAt = MessageParts.NeverExpires, StatedExpiry = MessageParts.NeverExpires }, turn);
        counters.ForgetSentSince(before);
    }

    // The names of both generations of brokers that have such topics.
    private IEnumerable<(string Topic, string Value)> Values()
    {
        var statistics = context.Statistics;
        var traffic = statistics.Traffic;
        var now = context.Heartbeat.UtcNow;
        var (connected, sessions) = (statistics.Connected, table.Count);
        var dropped = Text(statistics.DroppedTotal);
        yield return ("version", Version);
        yield return ("time", Text(now.ToUnixTimeSeconds()));
        yield return ("timestamp", now.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        yield return ("started", Text(started.ToUnixTimeSeconds()));
        yield return ("uptime", Text(context.Now / 1000));
        yield return ("load/bytes/received", Text(traffic.BytesReceived));
        yield return ("load/bytes/sent", Text(traffic.BytesSent));
        yield return ("clients/connected", Text(connected));
        yield return ("clients/disconnected", Text(Math.Max(0, sessions - connected)));
        yield return ("clients/maximum", Text(statistics.MaximumConnected));
        yield return ("clients/total", Text(sessions));
        yield return ("connections/total", Text(statistics.Connections));
        yield return ("packets/received", Text(traffic.PacketsReceived));
        yield return ("packets/sent", Text(traffic.PacketsSent));
        yield return ("messages/received", Text(traffic.MessagesReceived));
        yield return ("messages/sent", Text(traffic.MessagesSent));
        yield return ("messages/publish/received", Text(traffic.MessagesReceived));
        yield return ("messages/publish/sent", Text(traffic.MessagesSent));
        yield return ("messages/publish/dropped", dropped);
        yield return ("messages/dropped", dropped);
        yield return ("messages/inflight", Text(Math.Max(0, traffic.InFlight)));
        yield return ("messages/queued", Text(Math.Max(0, traffic.Queued)));
        yield return ("messages/retained/count", Text(broker.RetainedCount));
        yield return ("retained", Text(broker.RetainedCount));
        yield return ("subscriptions/count", Text(broker.Subscriptions.Count));
        yield return ("subscriptions", Text(broker.Subscriptions.Count));
        yield return ("system/memory", Text(GC.GetTotalMemory(forceFullCollection: false)));
        yield return ("system/threads", Text(ThreadPool.ThreadCount));
    }

    private static string Text(long value) => value.ToString(CultureInfo.InvariantCulture);
}
