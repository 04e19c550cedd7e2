using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>SUBACK (section 3.9) and UNSUBACK (section 3.11).</summary>
internal static class SubscriptionAckCases
{
    public static IEnumerable<CodecCase> All => [.. SubAck, .. UnsubAck];

    private static IEnumerable<CodecCase> SubAck
    {
        get
        {
            foreach (var version in Versions)
            {
                var p = NoProperties(version);
                yield return Reads("SUBACK", version, FromServer, $"90 {{ 0001 {p} 01 }}", "SUBACK 1 01");
                yield return Reads("SUBACK read by a tool", version, FromEither, $"90 {{ 0001 {p} 01 }}", "SUBACK 1 01");
                yield return Reads("SUBACK with all grants, in their order", version, FromServer, $"90 {{ FFFF {p} 02 00 01 }}", "SUBACK 65535 02 00 01");
                yield return Refuses("SUBACK with packet id 0", version, FromServer, $"90 {{ 0000 {p} 01 }}", Forbidden);
                yield return Refuses("SUBACK without codes", version, FromServer, $"90 {{ 0001 {p} }}", Forbidden);
                yield return Refuses("SUBACK that grants QoS 3", version, FromServer, $"90 {{ 0001 {p} 03 }}", Forbidden).V311("3.9.3-2");
                yield return Refuses("SUBACK with a second code that is bad", version, FromServer, $"90 {{ 0001 {p} 01 7F }}", Forbidden).V5("3.9.3-2").V311("3.9.3-2");
                yield return Refuses("SUBACK without anything", version, FromServer, "90 00", Malformed);
                yield return Refuses("SUBACK with half a packet id", version, FromServer, "90 01 00", Malformed);
            }

            yield return Reads("SUBACK with a refusal", Mqtt311, FromServer, "90 { 0001 80 01 }", "SUBACK 1 80 01");
            yield return Refuses("SUBACK with a refusal", Mqtt31, FromServer, "90 { 0001 80 }", Forbidden);
            foreach (var code in new[] { "04", "81", "87", "FF" })
            {
                yield return Refuses($"SUBACK with {code}", Mqtt311, FromServer, $"90 {{ 0001 {code} }}", Forbidden).V311("3.9.3-2");
                yield return Refuses($"SUBACK with {code}", Mqtt31, FromServer, $"90 {{ 0001 {code} }}", Forbidden);
            }

            const MqttProtocolVersion Version = Mqtt5;
            yield return Reads("SUBACK with refusals", Version, FromServer, "90 { 0001 {} 80 87 02 }", "SUBACK 1 80 87 02");
            yield return Reads("SUBACK with every property", Version, FromServer, "90 { 0001 { 26 s'a' s'b' 1F s'why' } 00 }", "SUBACK 1 00 {UserProperty='a':'b' ReasonString='why'}");
            yield return Refuses("SUBACK without a property length", Version, FromServer, "90 { 0001 }", Malformed).V5("2.2.2-1");
            yield return Refuses("SUBACK with more properties than bytes", Version, FromServer, "90 { 0001 07 00 }", Malformed);
        }
    }

    private static IEnumerable<CodecCase> UnsubAck
    {
        get
        {
            foreach (var version in VersionsBefore5)
            {
                yield return Reads("UNSUBACK", version, FromServer, "B0 02 0001", "UNSUBACK 1");
                yield return Reads("UNSUBACK read by a tool", version, FromEither, "B0 02 FFFF", "UNSUBACK 65535");
                yield return Refuses("UNSUBACK with packet id 0", version, FromServer, "B0 02 0000", Forbidden);
                yield return Refuses("UNSUBACK with a byte too many", version, FromServer, "B0 03 0001 00", Malformed);
                yield return Refuses("UNSUBACK without anything", version, FromServer, "B0 00", Malformed);
                yield return Refuses("UNSUBACK with half a packet id", version, FromServer, "B0 01 00", Malformed);
            }

            const MqttProtocolVersion Version = Mqtt5;
            yield return Reads("UNSUBACK", Version, FromServer, "B0 { 0001 {} 00 }", "UNSUBACK 1 00");
            yield return Reads("UNSUBACK read by a tool", Version, FromEither, "B0 { 0001 {} 11 }", "UNSUBACK 1 11");
            yield return Reads("UNSUBACK with several codes, in their order", Version, FromServer, "B0 { 0001 {} 11 00 87 }", "UNSUBACK 1 11 00 87");
            yield return Reads("UNSUBACK with every property", Version, FromServer, "B0 { 0001 { 1F s'why' 26 s'a' s'b' } 00 }", "UNSUBACK 1 00 {ReasonString='why' UserProperty='a':'b'}");
            yield return Refuses("UNSUBACK with packet id 0", Version, FromServer, "B0 { 0000 {} 00 }", Forbidden);
            yield return Refuses("UNSUBACK without codes", Version, FromServer, "B0 { 0001 {} }", Forbidden);
            yield return Refuses("UNSUBACK of 3.1.1", Version, FromServer, "B0 02 0001", Malformed).V5("2.2.2-1");
            yield return Refuses("UNSUBACK without anything", Version, FromServer, "B0 00", Malformed);
        }
    }
}
