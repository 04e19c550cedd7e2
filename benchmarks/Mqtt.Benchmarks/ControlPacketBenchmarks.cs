using BenchmarkDotNet.Attributes;
using Mqtt.Protocol;

namespace Mqtt.Benchmarks;

/// <summary>The other packets: acknowledgements, which are as frequent as messages, and those of a connection's beginning.</summary>
[MemoryDiagnoser]
public class ControlPacketBenchmarks
{
    private readonly byte[] output = new byte[1024];
    private readonly MqttPacketReader reader = new();
    private MqttPacket packet = new PingReqPacket();
    private byte[] wire = [];

    [Params("CONNECT", "SUBSCRIBE", "PUBACK", "PUBACK 0x10", "PINGREQ")]
    public string Packet { get; set; } = "PINGREQ";

    [GlobalSetup]
    public void Prepare()
    {
        packet = Create(Packet);
        wire = new byte[MqttPacketWriter.Measure(packet, MqttProtocolVersion.V500)];
        MqttPacketWriter.Write(wire, packet, MqttProtocolVersion.V500);
    }

    [Benchmark(Description = "read")]
    public MqttPacket? Read() => reader.TryRead(wire, out var read, out _) ? read : null;

    [Benchmark(Description = "write")]
    public int Write() => MqttPacketWriter.Write(output, packet, MqttProtocolVersion.V500);

    private static MqttPacket Create(string name) => name switch
    {
        "CONNECT" => new ConnectPacket { ClientId = "client-4711", UserName = "plant-7", Password = "secret"u8.ToArray(), ReceiveMaximum = 1024 },
        "SUBSCRIBE" => new SubscribePacket { PacketId = 1, Subscriptions = [new("plant/+/temperature", QualityOfService.AtLeastOnce), new("alarms/#")] },
        "PUBACK" => new PubAckPacket { PacketId = 4711 },
        "PUBACK 0x10" => new PubAckPacket { PacketId = 4711, ReasonCode = ReasonCode.NoMatchingSubscribers },
        _ => new PingReqPacket(),
    };
}
