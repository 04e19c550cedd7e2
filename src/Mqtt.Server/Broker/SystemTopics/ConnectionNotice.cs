using System.Buffers;
using System.Text.Json;

namespace Mqtt.Server.Broker.SystemTopics;

/// <summary>What is told of a client that comes or goes: <c>{"clientID":"…","online":true,"timestamp":1763668800}</c>, the time in seconds since 1970.</summary>
internal readonly record struct ConnectionNotice(string ClientId, bool IsOnline, long Timestamp)
{
    public ReadOnlyMemory<byte> ToUtf8()
    {
        var output = new ArrayBufferWriter<byte>(96);
        using (var writer = new Utf8JsonWriter(output))
        {
            writer.WriteStartObject();
            writer.WriteString("clientID", ClientId);
            writer.WriteBoolean("online", IsOnline);
            writer.WriteNumber("timestamp", Timestamp);
            writer.WriteEndObject();
        }

        return output.WrittenMemory;
    }
}
