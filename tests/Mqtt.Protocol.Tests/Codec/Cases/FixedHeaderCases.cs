using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>Types, flags, remaining lengths, senders and size limits (sections 2.1 and 4.13).</summary>
internal static class FixedHeaderCases
{
    public static IEnumerable<CodecCase> All => [.. Types, .. Flags, .. Lengths, .. Senders, .. Sizes];

    private static IEnumerable<CodecCase> Types
    {
        get
        {
            foreach (var version in Versions)
            {
                yield return Refuses("packet type 0", version, FromEither, "00 00", Malformed);
                yield return Refuses("packet type 0 with flags", version, FromEither, "0F 00", Malformed);
            }

            foreach (var version in VersionsBefore5)
            {
                yield return Refuses("AUTH does not exist", version, FromEither, "F0 00", Malformed);
                yield return Refuses("AUTH does not exist, with a body", version, FromClient, "F0 { 18 { 15 s'M' } }", Malformed);
            }
        }
    }

    // One flag flipped in every packet that has fixed flags.
    private static IEnumerable<CodecCase> Flags
    {
        get
        {
            foreach (var version in Versions)
            {
                foreach (var type in Enum.GetValues<MqttPacketType>().Where(type => type != MqttPacketType.Publish))
                {
                    if (type == MqttPacketType.Auth && version != Mqtt5)
                        continue;
                    var hasFlag = type is MqttPacketType.PubRel or MqttPacketType.Subscribe or MqttPacketType.Unsubscribe;
                    for (var bit = 0; bit < 4; bit++)
                    {
                        if (version == Mqtt31 && hasFlag && bit == 3)
                            continue;
                        var first = ((int)type << 4) | (hasFlag ? 2 : 0) ^ (1 << bit);
                        yield return Refuses($"{type} with flag {bit} flipped", version, FromEither, $"{first:X2} {Body(type, version)}", Malformed)
                            .V5(["2.1.3-1", .. Of5(type)]).V311(["2.2.2-1", "2.2.2-2", .. Of311(type)]);
                    }
                }
            }

        }
    }

    // All that follows the first byte, in order, so that the flags alone are wrong.
    private static string Body(MqttPacketType type, MqttProtocolVersion version)
    {
        var p = NoProperties(version);
        return type switch
        {
            MqttPacketType.Connect => $"{{ {Level(version)} 02 003C {p} s'c' }}",
            MqttPacketType.ConnAck => $"{{ 00 00 {p} }}",
            MqttPacketType.Subscribe => $"{{ 0001 {p} s'a' 00 }}",
            MqttPacketType.SubAck => $"{{ 0001 {p} 00 }}",
            MqttPacketType.Unsubscribe => $"{{ 0001 {p} s'a' }}",
            MqttPacketType.UnsubAck when version == Mqtt5 => "{ 0001 {} 00 }",
            MqttPacketType.PingReq or MqttPacketType.PingResp or MqttPacketType.Disconnect => "00",
            MqttPacketType.Auth => "{ 18 { 15 s'M' } }",
            _ => "{ 0001 }",
        };
    }

    private static string[] Of5(MqttPacketType type) => type switch
    {
        MqttPacketType.PubRel => ["3.6.1-1"],
        MqttPacketType.Subscribe => ["3.8.1-1"],
        MqttPacketType.Unsubscribe => ["3.10.1-1"],
        MqttPacketType.Disconnect => ["3.14.1-1"],
        MqttPacketType.Auth => ["3.15.1-1"],
        _ => [],
    };

    private static string[] Of311(MqttPacketType type) => type switch
    {
        MqttPacketType.PubRel => ["3.6.1-1"],
        MqttPacketType.Subscribe => ["3.8.1-1"],
        MqttPacketType.Unsubscribe => ["3.10.1-1"],
        MqttPacketType.Disconnect => ["3.14.1-1"],
        _ => [],
    };

    private static IEnumerable<CodecCase> Lengths
    {
        get
        {
            foreach (var version in Versions)
            {
                yield return Refuses("remaining length 0 in two bytes", version, FromEither, "C0 80 00", Malformed).V5("1.5.5-1");
                yield return Refuses("short remaining length in two bytes", version, FromEither, version == Mqtt5 ? "30 84 00 s'a' 00" : "30 83 00 s'a'", Malformed).V5("1.5.5-1");
                yield return Refuses("remaining length 127 in four bytes", version, FromEither, "30 FF 80 80 00 s'a' 00*124", Malformed).V5("1.5.5-1");
                yield return Refuses("remaining length of five bytes", version, FromEither, "30 80 80 80 80 01", Malformed);
                yield return Refuses("remaining length without an end", version, FromEither, "30 FF FF FF FF FF", Malformed);
            }

            foreach (var length in new[] { 127, 128, 16_383, 16_384 })
            {
                yield return Reads($"remaining length {length}", Mqtt311, FromEither, $"30 {{ s'a' 78*{length - 3} }}", $"PUBLISH q0 'a' {Payload(length - 3)}");
                yield return Reads($"remaining length {length}", Mqtt5, FromEither, $"30 {{ s'a' {{}} 78*{length - 4} }}", $"PUBLISH q0 'a' {Payload(length - 4)}").V5("1.5.5-1");
            }
        }
    }

    private static string Payload(int length) => length <= 1000 ? $"'{new string('x', length)}'" : $"'xxxx'*{length}";

    // Who must not send what.
    private static IEnumerable<CodecCase> Senders
    {
        get
        {
            foreach (var version in Versions)
            {
                yield return Refuses("a server does not send CONNECT", version, FromServer, $"10 {{ {Level(version)} 02 0000 {NoProperties(version)} s'c' }}", Forbidden);
                yield return Refuses("a client does not send CONNACK", version, FromClient, $"20 {{ 00 00 {NoProperties(version)} }}", Forbidden);
                yield return Refuses("a server does not send SUBSCRIBE", version, FromServer, $"82 {{ 0001 {NoProperties(version)} s'a' 00 }}", Forbidden);
                yield return Refuses("a client does not send SUBACK", version, FromClient, $"90 {{ 0001 {NoProperties(version)} 00 }}", Forbidden);
                yield return Refuses("a server does not send UNSUBSCRIBE", version, FromServer, $"A2 {{ 0001 {NoProperties(version)} s'a' }}", Forbidden);
                yield return Refuses("a client does not send UNSUBACK", version, FromClient, version == Mqtt5 ? "B0 { 0001 {} 00 }" : "B0 { 0001 }", Forbidden);
                yield return Refuses("a server does not send PINGREQ", version, FromServer, "C0 00", Forbidden);
                yield return Refuses("a client does not send PINGRESP", version, FromClient, "D0 00", Forbidden);
            }

            foreach (var version in VersionsBefore5)
                yield return Refuses("a server does not send DISCONNECT", version, FromServer, "E0 00", Forbidden);
        }
    }

    private static IEnumerable<CodecCase> Sizes
    {
        get
        {
            const ReasonCode TooLarge = ReasonCode.PacketTooLarge;
            foreach (var version in Versions)
            {
                var body = $"s'a' {NoProperties(version)}";
                var length = version == Mqtt5 ? 6 : 5;
                yield return Reads("a packet of the maximum size", version, FromEither, $"30 {{ {body} }}", "PUBLISH q0 'a' ''").With(reader => reader.MaximumPacketSizeBytes = length);
                yield return Refuses("a packet of one byte more than the maximum size", version, FromEither, $"30 {{ {body} 78 }}", TooLarge).With(reader => reader.MaximumPacketSizeBytes = length);
                yield return Refuses("the length alone shows that a packet is too large", version, FromEither, "30 FF FF FF 7F", TooLarge).With(reader => reader.MaximumPacketSizeBytes = 1000);

                var connect = $"10 {{ {Level(version)} 02 003C {NoProperties(version)} s'c' }}";
                var size = Wire.Bytes(connect).Length;
                yield return Reads("a CONNECT of the maximum size", version, FromClient, connect, $"CONNECT {Number(version)} clean keepalive=60 client='c'").With(reader => reader.MaximumConnectSizeBytes = size);
                yield return Refuses("a CONNECT of one byte more than the maximum size", version, FromClient, connect, TooLarge).With(reader => reader.MaximumConnectSizeBytes = size - 1);
                yield return Refuses("a CONNECT beyond the size of every packet", version, FromClient, connect, TooLarge).With(reader => reader.MaximumPacketSizeBytes = size - 1);
                yield return Reads("the limit of CONNECT is for CONNECT alone", version, FromClient, $"30 {{ {body} }}", "PUBLISH q0 'a' ''").With(reader => reader.MaximumConnectSizeBytes = 3);
            }
        }
    }
}
