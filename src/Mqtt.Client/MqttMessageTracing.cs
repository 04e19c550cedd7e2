using System.Diagnostics;

namespace Mqtt.Client;

/// <summary>Traces what is done with messages of a stream; handlers are traced by themselves.</summary>
public static class MqttMessageTracing
{
    /// <summary>
    /// Begins a span of the source <c>Mqtt.Client</c> for what is done with a received message, as part of the trace that it carries
    /// (<see cref="MqttTraceContext"/>). Dispose it when that is done: <c>using var activity = message.StartActivity();</c>
    /// </summary>
    /// <returns>The span; <see langword="null"/> if nobody listens.</returns>
    public static Activity? StartActivity(this MqttMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return ClientTracing.StartProcess(message, filter: null, clientId: null);
    }
}
