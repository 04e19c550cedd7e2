using System.Buffers.Text;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Rules;

/// <summary>Takes <c>$delayed/{seconds}/{topic}</c> apart.</summary>
internal static class DelayedTopic
{
    /// <summary>True if the topic asks for a delay, well formed or not.</summary>
    public static bool Is(ReadOnlySpan<byte> topic) => topic.StartsWith("$delayed/"u8);

    /// <summary>False if it is not well formed, or asks for too much.</summary>
    public static bool TryParse(MqttString topic, TimeSpan most, out TimeSpan delay, out MqttString inner)
    {
        delay = default;
        inner = default;
        var rest = topic.Bytes["$delayed/".Length..];
        if (!Utf8Parser.TryParse(rest.Span, out uint seconds, out var length) || length == rest.Length || rest.Span[length] != '/' || seconds > most.TotalSeconds)
            return false;
        delay = TimeSpan.FromSeconds(seconds);
        inner = MqttString.FromUtf8(rest[(length + 1)..]);
        return !inner.IsEmpty;
    }
}
