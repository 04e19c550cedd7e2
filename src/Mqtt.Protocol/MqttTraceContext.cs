using System.Buffers;
using System.Diagnostics;

namespace Mqtt.Protocol;

/// <summary>
/// The W3C trace context of a message: the user properties <c>traceparent</c> and <c>tracestate</c> (5.0), as the W3C draft for MQTT has it. By them the spans of whoever
/// publishes a message and of whoever gets it belong to one trace.
/// </summary>
public static class MqttTraceContext
{
    /// <summary>Reads the trace context of a message; false if it has none, or none that is well formed.</summary>
    public static bool TryRead(MqttProperties properties, out ActivityContext context)
    {
        context = default;
        MqttString? parent = null, state = null;
        foreach (var (name, value) in properties.UserProperties)
        {
            if (IsTraceParent(name.Span))
                parent ??= value;
            else if (IsTraceState(name.Span))
                state ??= value;
        }

        return parent is { } found && ActivityContext.TryParse(found.ToString(), state?.ToString(), isRemote: true, out context);
    }

    /// <summary>
    /// A copy of the properties with the context of an activity in place of that which they may have. An activity whose identifier is not that of the W3C has
    /// nothing to say here, and leaves them as they are.
    /// </summary>
    public static MqttProperties Write(MqttProperties properties, Activity activity)
    {
        ArgumentNullException.ThrowIfNull(activity);
        if (activity.IdFormat != ActivityIdFormat.W3C || activity.Id is not { } parent)
            return properties;
        var output = new ArrayBufferWriter<byte>(properties.Encoded.Length + 96);
        foreach (var property in properties)
        {
            if (property.Id != PropertyId.UserProperty || !IsTrace(property.Bytes.Span))
                output.Write(property.Encoded.Span);
        }

        PropertyWriter.Write(output, "traceparent"u8, MqttString.FromString(parent).Span);
        if (activity.TraceStateString is { Length: > 0 } state)
            PropertyWriter.Write(output, "tracestate"u8, MqttString.FromString(state).Span);
        return MqttProperties.FromEncoded(output.WrittenMemory);
    }

    private static bool IsTrace(ReadOnlySpan<byte> name) => IsTraceParent(name) || IsTraceState(name);

    private static bool IsTraceParent(ReadOnlySpan<byte> name) => name.SequenceEqual("traceparent"u8);

    private static bool IsTraceState(ReadOnlySpan<byte> name) => name.SequenceEqual("tracestate"u8);
}
