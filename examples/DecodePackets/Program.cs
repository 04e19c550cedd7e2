using System.Buffers;
using Mqtt.Protocol;

// One direction of a connection, as a capture tool saves it: DecodePackets FILE
var bytes = new ReadOnlySequence<byte>(File.ReadAllBytes(args[0]));
while (MqttPacketReader.TryRead(ref bytes, MqttProtocolVersion.V500, out var packet))
{
    Console.WriteLine(packet is PublishPacket publish
        ? $"{publish.Topic} at {publish.QualityOfService}: {publish.Payload.Length} bytes"
        : packet.Type);
}

if (!bytes.IsEmpty)
    Console.WriteLine($"{bytes.Length} bytes of an unfinished packet");
