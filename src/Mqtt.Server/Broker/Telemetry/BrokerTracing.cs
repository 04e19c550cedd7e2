using System.Diagnostics;
using System.Reflection;
using Mqtt.Protocol;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Telemetry;

/// <summary>
/// The spans of a broker: one for each message that a client publishes, and one for each that the program does. Messages go on with the trace context with which
/// they came: the receiver's span follows the publisher's, also where nobody traces the broker. While nobody listens, it costs one look at a field for each message.
/// </summary>
internal static class BrokerTracing
{
    public const string SourceName = "Mqtt.Broker";

    public static readonly ActivitySource Source = new(
        SourceName, typeof(BrokerTracing).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]);

    /// <summary>Begins the span of a message that a client has published.</summary>
    public static Activity? StartRoute(Attachment from, PublishPacket packet, MqttString topic)
    {
        MqttTraceContext.TryRead(packet.Properties, out var parent);
        var activity = Source.StartActivity("route", ActivityKind.Server, parent);
        if (activity is { IsAllDataRequested: true })
            SetMessage(activity, "route", packet, topic, from.ClientId);
        return activity;
    }

    /// <summary>True if what the program publishes has a context to pass on, or a span to begin.</summary>
    public static bool IsWanted => Source.HasListeners() || Activity.Current is not null;

    /// <summary>Begins the span of a message that the program publishes, if somebody wants it.</summary>
    public static Activity? StartPublish(PublishPacket packet)
    {
        var activity = Source.StartActivity("publish", ActivityKind.Producer);
        if (activity is not { IsAllDataRequested: true })
            return activity;
        activity.SetTag("messaging.operation.type", "send");
        SetMessage(activity, "publish", packet, packet.Topic, clientId: null);
        return activity;
    }

    /// <summary>The message with the context of what the program is doing; the same one if that has none.</summary>
    public static PublishPacket WithContext(PublishPacket message) => Activity.Current is not { } current ? message : new PublishPacket
    {
        Topic = message.Topic,
        Payload = message.Payload,
        QualityOfService = message.QualityOfService,
        Retain = message.Retain,
        Properties = MqttTraceContext.Write(message.Properties, current),
    };

    /// <summary>A handler of an in-process client with a span around each message, while somebody listens.</summary>
    public static Func<PublishPacket, CancellationToken, ValueTask> Around(Func<PublishPacket, CancellationToken, ValueTask> handler, MqttString filter, string clientId) =>
        (message, cancellationToken) => Source.HasListeners() ? HandleAsync(handler, message, filter, clientId, cancellationToken) : handler(message, cancellationToken);

    private static async ValueTask HandleAsync(
        Func<PublishPacket, CancellationToken, ValueTask> handler, PublishPacket message, MqttString filter, string clientId, CancellationToken cancellationToken)
    {
        MqttTraceContext.TryRead(message.Properties, out var parent);
        using var activity = Source.StartActivity($"process {filter}", ActivityKind.Consumer, parent);
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag("messaging.operation.type", "process");
            activity.SetTag("messaging.destination.template", filter.ToString());
            SetMessage(activity, "process", message, message.Topic, clientId);
        }

        try
        {
            await handler(message, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            activity?.SetTag("error.type", error.GetType().FullName);
            activity?.SetStatus(ActivityStatusCode.Error, error.Message);
            throw;
        }
    }

    private static void SetMessage(Activity activity, string operation, PublishPacket packet, MqttString topic, string? clientId)
    {
        activity.SetTag("messaging.system", "mqtt");
        activity.SetTag("messaging.operation.name", operation);
        activity.SetTag("messaging.destination.name", topic.ToString());
        activity.SetTag("messaging.message.body.size", packet.Payload.Length);
        activity.SetTag("messaging.client.id", clientId);
        activity.SetTag("mqtt.qos", (int)packet.QualityOfService);
    }
}
