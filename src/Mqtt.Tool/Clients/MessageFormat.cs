using System.Buffers;
using Mqtt.Client;
using Mqtt.Protocol;

namespace Mqtt.Tool.Clients;

/// <summary>How <c>mqtt sub</c> shows messages, and which. Byte for byte what mosquitto_sub prints.</summary>
internal sealed class MessageFormat
{
    public bool ShowTopic { get; set; }

    public bool EndLine { get; set; } = true;

    public bool SkipRetained { get; set; }

    public List<MqttString> SkipTopics { get; } = [];

    /// <summary>False for a message that is neither shown nor counted.</summary>
    public bool Wants(MqttMessage message)
    {
        if (SkipRetained && message.Retain)
            return false;
        foreach (var filter in SkipTopics)
        {
            if (MqttTopic.Matches(filter.Span, message.Topic.Span))
                return false;
        }

        return true;
    }

    public void Write(IBufferWriter<byte> output, MqttMessage message)
    {
        if (message.Payload.IsEmpty)
        {
            WriteEmpty(output, message);
            return;
        }

        if (ShowTopic)
        {
            output.Write(message.Topic.Span);
            output.Write(" "u8);
        }

        output.Write(message.Payload.Span);
        if (EndLine)
            output.Write("\n"u8);
    }

    private void WriteEmpty(IBufferWriter<byte> output, MqttMessage message)
    {
        if (!ShowTopic || !EndLine)
            return;
        output.Write(message.Topic.Span);
        output.Write(" (null)\n"u8);
    }
}
