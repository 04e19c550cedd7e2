using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>CONNACK (section 3.2).</summary>
internal static class ConnAckCases
{
    public static IEnumerable<CodecCase> All => [.. Before5, .. RefusalsOf3, .. Of5];

    private static IEnumerable<CodecCase> Before5
    {
        get
        {
            foreach (var version in VersionsBefore5)
            {
                yield return Reads("CONNACK, accepted", version, FromServer, "20 02 00 00", "CONNACK 00");
                yield return Reads("CONNACK, accepted, read by a tool", version, FromEither, "20 02 00 00", "CONNACK 00");
                yield return Reads("CONNACK 1, unacceptable level", version, FromServer, "20 02 00 01", "CONNACK 84");
                yield return Reads("CONNACK 2, identifier rejected", version, FromServer, "20 02 00 02", "CONNACK 85");
                yield return Reads("CONNACK 3, server unavailable", version, FromServer, "20 02 00 03", "CONNACK 88");
                yield return Reads("CONNACK 4, bad user name or password", version, FromServer, "20 02 00 04", "CONNACK 86");
                yield return Reads("CONNACK 5, not authorized", version, FromServer, "20 02 00 05", "CONNACK 87");
                foreach (var code in new[] { "06", "7F", "80", "87", "FF" })
                    yield return Refuses($"CONNACK with the reserved return code {code}", version, FromServer, $"20 02 00 {code}", Forbidden);
                yield return Refuses("CONNACK without anything", version, FromServer, "20 00", Malformed);
                yield return Refuses("CONNACK without a return code", version, FromServer, "20 01 00", Malformed);
                yield return Refuses("CONNACK with a byte too many", version, FromServer, "20 03 00 00 00", Malformed);
            }

            yield return Reads("CONNACK with a session", Mqtt311, FromServer, "20 02 01 00", "CONNACK present 00");
            yield return Refuses("CONNACK with a session and a refusal", Mqtt311, FromServer, "20 02 01 05", Forbidden).V311("3.2.2-4");
            foreach (var flags in new[] { "02", "03", "80", "FF" })
                yield return Refuses($"CONNACK with the flags {flags}", Mqtt311, FromServer, $"20 02 {flags} 00", Malformed);

            yield return Reads("CONNACK's first byte means nothing", Mqtt31, FromServer, "20 02 01 00", "CONNACK 00").WrittenAs("20 02 00 00");
            yield return Reads("CONNACK's first byte means nothing in a refusal", Mqtt31, FromServer, "20 02 FF 05", "CONNACK 87").WrittenAs("20 02 00 05");
        }
    }

    // What a server of 3.x sends to a client of 5.0 whose level it does not know.
    private static IEnumerable<CodecCase> RefusalsOf3
    {
        get
        {
            const MqttProtocolVersion Version = Mqtt5;
            (string Wire, string Code)[] refusals = [("01", "84"), ("02", "85"), ("03", "88"), ("04", "86"), ("05", "87")];
            foreach (var (wire, code) in refusals)
                yield return Reads($"CONNACK {wire} of 3.x", Version, FromServer, $"20 02 00 {wire}", $"CONNACK {code}").WrittenAs($"20 {{ 00 {code} {{}} }}");
            yield return Refuses("CONNACK of 3.x that accepts", Version, FromServer, "20 02 00 00", Malformed).V5("2.2.2-1");
            yield return Refuses("CONNACK of 3.x with a reserved code", Version, FromServer, "20 02 00 06", Malformed);
            yield return Refuses("CONNACK without properties", Version, FromServer, "20 02 00 84", Malformed).V5("2.2.2-1");
            yield return Refuses("CONNACK of 3.x with a session and a refusal", Version, FromServer, "20 02 01 01", Forbidden);
            yield return Refuses("CONNACK of 3.x with reserved flags", Version, FromServer, "20 02 02 01", Malformed);
        }
    }

    private static IEnumerable<CodecCase> Of5
    {
        get
        {
            const MqttProtocolVersion Version = Mqtt5;
            yield return Reads("CONNACK, accepted", Version, FromServer, "20 { 00 00 {} }", "CONNACK 00").V5("2.2.2-1");
            yield return Reads("CONNACK, accepted, read by a tool", Version, FromEither, "20 { 00 00 {} }", "CONNACK 00");
            yield return Reads("CONNACK with a session", Version, FromServer, "20 { 01 00 {} }", "CONNACK present 00");
            yield return Reads("CONNACK, refused", Version, FromServer, "20 { 00 87 {} }", "CONNACK 87");
            yield return Reads("CONNACK with every property", Version, FromServer,
                "20 { 00 00 { 11 0000000A 21 0014 24 01 25 00 27 00010000 12 s'id' 22 000A 1F s'why' 26 s'a' s'b' 28 01 29 00 2A 01 13 003C 1A s'info' 1C s'other' 15 s'M' 16 [01] } }",
                "CONNACK 00 {SessionExpiryInterval=10 ReceiveMaximum=20 MaximumQoS=1 RetainAvailable=0 MaximumPacketSize=65536 AssignedClientIdentifier='id' "
                + "TopicAliasMaximum=10 ReasonString='why' UserProperty='a':'b' WildcardSubscriptionAvailable=1 SubscriptionIdentifierAvailable=0 "
                + "SharedSubscriptionAvailable=1 ServerKeepAlive=60 ResponseInformation='info' ServerReference='other' AuthenticationMethod='M' AuthenticationData='\\01'}");
            yield return Refuses("CONNACK with a session and a refusal", Version, FromServer, "20 { 01 87 {} }", Forbidden).V5("3.2.2-6");
            foreach (var flags in new[] { "02", "03", "80", "FF" })
                yield return Refuses($"CONNACK with the flags {flags}", Version, FromServer, $"20 {{ {flags} 00 {{}} }}", Malformed).V5("3.2.2-1");
            yield return Refuses("CONNACK without anything", Version, FromServer, "20 00", Malformed);
            yield return Refuses("CONNACK of one byte", Version, FromServer, "20 01 00", Malformed);
            yield return Refuses("CONNACK with a byte too many", Version, FromServer, "20 { 00 00 {} 00 }", Malformed);
            yield return Refuses("CONNACK with more properties than bytes", Version, FromServer, "20 { 00 00 05 21 0001 }", Malformed);
            yield return Refuses("CONNACK with Receive Maximum 0", Version, FromServer, "20 { 00 00 { 21 0000 } }", Forbidden);
            yield return Refuses("CONNACK with Maximum Packet Size 0", Version, FromServer, "20 { 00 00 { 27 00000000 } }", Forbidden);
            yield return Refuses("CONNACK with authentication data and no method", Version, FromServer, "20 { 00 00 { 16 [01] } }", Forbidden);
            foreach (var (id, name) in new[] { ("24", "Maximum QoS"), ("25", "Retain Available"), ("28", "Wildcard Subscription Available"), ("29", "Subscription Identifier Available"), ("2A", "Shared Subscription Available") })
            {
                yield return Refuses($"CONNACK with {name} 2", Version, FromServer, $"20 {{ 00 00 {{ {id} 02 }} }}", Forbidden);
                yield return Refuses($"CONNACK with {name} 255", Version, FromServer, $"20 {{ 00 00 {{ {id} FF }} }}", Forbidden);
            }
        }
    }
}
