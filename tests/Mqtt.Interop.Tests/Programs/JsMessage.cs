using System.Text;
using System.Text.Json;

namespace Mqtt.Interop.Tests;

/// <summary>A message that MQTT.js got.</summary>
internal sealed record JsMessage(string Topic, byte[] Payload, int Quality, bool Retain, bool Duplicate, JsonElement Properties)
{
    public string Text => Encoding.UTF8.GetString(Payload);

    /// <summary>Topic, payload, quality and RETAIN in one line.</summary>
    public string Line => $"{Topic} {Text} {Quality} {(Retain ? "retained" : "live")}";

    public static JsMessage From(JsonElement message) => new(
        message.GetProperty("topic").GetString()!,
        message.GetProperty("payload").GetBytesFromBase64(),
        message.GetProperty("qos").GetInt32(),
        message.GetProperty("retain").GetBoolean(),
        message.GetProperty("dup").GetBoolean(),
        message.GetProperty("properties"));
}
