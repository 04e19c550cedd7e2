using System.Buffers;
using Mqtt.Client;

namespace Mqtt.Tool.Clients;

/// <summary>Prints messages of several streams to one output, up to a number. Safe from several threads; output gathers until <see cref="Flush"/>.</summary>
internal sealed class MessagePrinter(Stream output, MessageFormat format, int? count)
{
    private const int BufferBytes = 65_536;

    private readonly Lock gate = new();
    private readonly ArrayBufferWriter<byte> buffer = new(BufferBytes);
    private int left = count ?? int.MaxValue;

    /// <summary>Prints one message.</summary>
    /// <returns>False if it was the last one, or one too many, which is not printed.</returns>
    public bool Print(MqttMessage message)
    {
        lock (gate)
        {
            if (left == 0)
                return false;
            if (!format.Wants(message))
                return true;
            format.Write(buffer, message);
            if (buffer.WrittenCount >= BufferBytes)
                WriteOut();
            if (count is not null)
                left--;
            return left > 0;
        }
    }

    /// <summary>Lets go of everything that was printed.</summary>
    public void Flush()
    {
        lock (gate)
            WriteOut();
    }

    private void WriteOut()
    {
        if (buffer.WrittenCount == 0)
            return;
        output.Write(buffer.WrittenSpan);
        output.Flush();
        buffer.ResetWrittenCount();
    }
}
