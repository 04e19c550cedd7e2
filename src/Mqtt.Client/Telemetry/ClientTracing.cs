using System.Diagnostics;
using System.Reflection;

namespace Mqtt.Client;

/// <summary>
/// The spans of a client: one for each publish, and one for each message that a handler works at. Names and attributes are those of OpenTelemetry's semantic
/// conventions for messaging. While nobody listens, it costs one look at a field for each message.
/// </summary>
internal static class ClientTracing
{
    public const string SourceName = "Mqtt.Client";

    public static readonly ActivitySource Source = new(
        SourceName, typeof(ClientTracing).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]);

    /// <summary>True if a publish has a context to pass on, or a span to begin.</summary>
    public static bool IsWanted => Source.HasListeners() || Activity.Current is not null;

    /// <summary>
    /// Begins the span of a publish, if somebody wants it, and has the message carry its context, or else that of whatever the program is doing: so a trace goes on
    /// although nobody listens to this client.
    /// </summary>
    public static Activity? StartPublish(PublishPacket packet, MqttClientOptions options, string clientId)
    {
        // A message that is passed on belongs to what the program is doing now; to where it came from only if that is nothing.
        ActivityContext parent = default;
        if (Activity.Current is null)
            MqttTraceContext.TryRead(packet.Properties, out parent);
        var activity = Source.StartActivity("publish", ActivityKind.Producer, parent);
        if (options.ProtocolVersion == MqttProtocolVersion.V500 && (activity ?? Activity.Current) is { } current)
            packet.Properties = MqttTraceContext.Write(packet.Properties, current);
        if (activity is not { IsAllDataRequested: true })
            return activity;
        activity.SetTag("messaging.operation.type", "send");
        activity.SetTag("messaging.operation.name", "publish");
        SetMessage(activity, packet.Topic, packet.Payload.Length, packet.QualityOfService, clientId);
        if (options.ConnectChannel is not null || options.Servers.Count > 0 || options.Server.Host.Length == 0)
            return activity;
        activity.SetTag("server.address", options.Server.Host);
        if (options.Server.Port > 0)
            activity.SetTag("server.port", options.Server.Port);
        return activity;
    }

    /// <summary>The publish has ended with the server's answer.</summary>
    public static void SetResult(Activity? activity, in MqttPublishResult result)
    {
        if (activity is null || result.IsSuccess)
            return;
        activity.SetTag("error.type", result.ReasonCode.ToString());
        activity.SetStatus(ActivityStatusCode.Error, result.ReasonString);
    }

    /// <summary>It has failed.</summary>
    public static void SetError(Activity? activity, Exception error)
    {
        activity?.SetTag("error.type", error.GetType().FullName);
        activity?.SetStatus(ActivityStatusCode.Error, error.Message);
    }

    /// <summary>A handler with a span around each message, while somebody listens.</summary>
    public static Func<MqttMessage, CancellationToken, ValueTask> Around(
        Func<MqttMessage, CancellationToken, ValueTask> handler, IReadOnlyList<TopicSubscription> filters, ClientSession session) =>
        (message, cancellationToken) => Source.HasListeners()
            ? HandleAsync(handler, message, filters, session.ClientId, cancellationToken)
            : handler(message, cancellationToken);

    /// <summary>Begins the span of a message that is worked at, as part of the trace that it carries.</summary>
    public static Activity? StartProcess(MqttMessage message, string? filter, string? clientId)
    {
        if (!Source.HasListeners())
            return null;
        MqttTraceContext.TryRead(message.Properties, out var parent);
        var activity = Source.StartActivity(filter is null ? "process" : $"process {filter}", ActivityKind.Consumer, parent);
        if (activity is not { IsAllDataRequested: true })
            return activity;
        activity.SetTag("messaging.operation.type", "process");
        activity.SetTag("messaging.operation.name", "process");
        if (filter is not null)
            activity.SetTag("messaging.destination.template", filter);
        SetMessage(activity, message.Topic, message.Payload.Length, message.QualityOfService, clientId);
        return activity;
    }

    private static async ValueTask HandleAsync(
        Func<MqttMessage, CancellationToken, ValueTask> handler, MqttMessage message, IReadOnlyList<TopicSubscription> filters, string clientId, CancellationToken cancellationToken)
    {
        using var activity = StartProcess(message, FilterOf(message.Topic, filters), clientId);
        try
        {
            await handler(message, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            SetError(activity, error);
            throw;
        }
    }

    // With several filters, the first that matches: a name for the span, no more.
    private static string? FilterOf(MqttString topic, IReadOnlyList<TopicSubscription> filters)
    {
        foreach (var wanted in filters)
        {
            if (filters.Count == 1 || MqttTopic.Matches(wanted.Filter.Span, topic.Span))
                return wanted.Filter.ToString();
        }

        return null;
    }

    private static void SetMessage(Activity activity, MqttString topic, int payloadBytes, QualityOfService qualityOfService, string? clientId)
    {
        activity.SetTag("messaging.system", "mqtt");
        activity.SetTag("messaging.destination.name", topic.ToString());
        activity.SetTag("messaging.message.body.size", payloadBytes);
        activity.SetTag("messaging.client.id", clientId);
        activity.SetTag("mqtt.qos", (int)qualityOfService);
    }
}
