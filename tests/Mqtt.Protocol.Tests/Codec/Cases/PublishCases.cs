using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>PUBLISH (section 3.3).</summary>
internal static class PublishCases
{
    public static IEnumerable<CodecCase> All => [.. Versions.SelectMany(OfAll), .. Before5, .. Of5];

    private static IEnumerable<CodecCase> OfAll(MqttProtocolVersion version)
    {
        var p = NoProperties(version);
        foreach (var sender in Sides)
        {
            yield return Reads("PUBLISH at QoS 0", version, sender, $"30 {{ s'a/b' {p} 'hello' }}", "PUBLISH q0 'a/b' 'hello'").V5("2.2.1-2", "3.3.2-1").V311("2.3.1-5", "3.3.2-1");
            yield return Reads("PUBLISH at QoS 1", version, sender, $"32 {{ s'a/b' 0001 {p} 'hello' }}", "PUBLISH q1 id=1 'a/b' 'hello'");
            yield return Reads("PUBLISH at QoS 2", version, sender, $"34 {{ s'a/b' FFFF {p} 'hello' }}", "PUBLISH q2 id=65535 'a/b' 'hello'");
            yield return Reads("PUBLISH to retain", version, sender, $"31 {{ s'a/b' {p} 'hello' }}", "PUBLISH q0 retain 'a/b' 'hello'");
            yield return Reads("PUBLISH once more at QoS 1", version, sender, $"3A {{ s'a/b' 0001 {p} 'hello' }}", "PUBLISH q1 dup id=1 'a/b' 'hello'");
            yield return Reads("PUBLISH once more at QoS 2, to retain", version, sender, $"3D {{ s'a/b' 0001 {p} 'hello' }}", "PUBLISH q2 dup retain id=1 'a/b' 'hello'");
        }

        yield return Reads("PUBLISH without payload", version, FromEither, $"30 {{ s'a' {p} }}", "PUBLISH q0 'a' ''");
        yield return Reads("PUBLISH without payload at QoS 1", version, FromEither, $"33 {{ s'a' 0102 {p} }}", "PUBLISH q1 retain id=258 'a' ''");
        yield return Reads("PUBLISH of any bytes", version, FromEither, $"30 {{ s'a' {p} 00FF80C0 }}", "PUBLISH q0 'a' '\\00\\FF\\80\\C0'");
        yield return Reads("PUBLISH to a topic of one separator", version, FromEither, $"30 {{ s'/' {p} }}", "PUBLISH q0 '/' ''");
        yield return Reads("PUBLISH to a topic with spaces and letters of all scripts", version, FromEither, $"30 {{ s'größe/日 本' {p} }}", "PUBLISH q0 'gr\\C3\\B6\\C3\\9Fe/\\E6\\97\\A5 \\E6\\9C\\AC' ''");
        yield return Reads("PUBLISH to a $ topic", version, FromEither, $"30 {{ s'$SYS/x' {p} }}", "PUBLISH q0 '$SYS/x' ''");
        yield return Reads("PUBLISH to a topic of 65,535 bytes", version, FromEither, $"30 {{ FFFF 61*65535 {p} 'x' }}", "PUBLISH q0 'aaaa'*65535 'x'").V5("4.7.3-3").V311("4.7.3-3");

        yield return Refuses("PUBLISH at QoS 3", version, FromEither, $"36 {{ s'a' 0001 {p} }}", Malformed).V5("3.3.1-4").V311("3.3.1-4");
        yield return Refuses("PUBLISH at QoS 3 with all flags", version, FromEither, $"3F {{ s'a' 0001 {p} }}", Malformed).V5("3.3.1-4").V311("3.3.1-4");
        yield return Refuses("PUBLISH once more at QoS 0", version, FromEither, $"38 {{ s'a' {p} }}", Malformed).V5("3.3.1-2").V311("3.3.1-2");
        yield return Refuses("PUBLISH once more at QoS 0, to retain", version, FromEither, $"39 {{ s'a' {p} }}", Malformed).V5("3.3.1-2").V311("3.3.1-2");
        yield return Refuses("PUBLISH with packet id 0 at QoS 1", version, FromClient, $"32 {{ s'a' 0000 {p} }}", Forbidden).V5("2.2.1-3").V311("2.3.1-1");
        yield return Refuses("PUBLISH with packet id 0 at QoS 2", version, FromServer, $"34 {{ s'a' 0000 {p} }}", Forbidden).V5("2.2.1-4").V311("2.3.1-1");
        yield return Refuses("PUBLISH with # in the topic", version, FromEither, $"30 {{ s'a/#' {p} }}", Malformed).V5("3.3.2-2", "4.7.0-1").V311("3.3.2-2", "4.7.1-1");
        yield return Refuses("PUBLISH with + in the topic", version, FromEither, $"30 {{ s'+/a' {p} }}", Malformed).V5("3.3.2-2", "4.7.0-1").V311("3.3.2-2", "4.7.1-1");
        yield return Refuses("PUBLISH with # inside a level", version, FromEither, $"30 {{ s'a#b' {p} }}", Malformed).V5("3.3.2-2").V311("3.3.2-2");
        yield return Refuses("PUBLISH with a wildcard after other letters", version, FromEither, $"30 {{ s'ü/+' {p} }}", Malformed).V5("3.3.2-2").V311("3.3.2-2");
        yield return Refuses("PUBLISH with a null in the topic", version, FromEither, $"30 {{ [610062] {p} }}", Malformed).V5("4.7.3-2", "1.5.4-2").V311("4.7.3-2", "1.5.3-2");
        yield return Refuses("PUBLISH with a topic that is no UTF-8", version, FromEither, $"30 {{ [61C3] {p} }}", Malformed).V5("3.3.2-1").V311("3.3.2-1");
        yield return Refuses("PUBLISH with a topic that is cut off", version, FromEither, "30 { 0005 'abc' }", Malformed);
        yield return Refuses("PUBLISH with half a length of the topic", version, FromEither, "30 { 00 }", Malformed);
        yield return Refuses("PUBLISH without anything", version, FromEither, "30 00", Malformed).V5("3.3.2-1").V311("3.3.2-1");
        yield return Refuses("PUBLISH at QoS 1 without packet id", version, FromEither, "32 { s'a' }", Malformed);
        yield return Refuses("PUBLISH at QoS 1 with half a packet id", version, FromEither, "32 { s'a' 01 }", Malformed);
    }

    private static IEnumerable<CodecCase> Before5
    {
        get
        {
            foreach (var version in VersionsBefore5)
            {
                yield return Refuses("PUBLISH with an empty topic", version, FromEither, "30 { s'' 'x' }", Forbidden).V311("4.7.3-1");
                yield return Reads("PUBLISH has no properties, only payload", version, FromEither, "30 { s'a' { 23 0001 } }", "PUBLISH q0 'a' '\\03#\\00\\01'");
            }
        }
    }

    private static IEnumerable<CodecCase> Of5
    {
        get
        {
            const MqttProtocolVersion Version = Mqtt5;
            yield return Reads("PUBLISH with every property", Version, FromServer,
                "30 { s'a' { 01 01 02 0000003C 23 0007 08 s'r/s' 09 [00FF] 26 s'k' s'1' 26 s'k' s'2' 0B 01 0B FFFFFF7F 0B 01 03 s'text/plain' } 'hi' }",
                "PUBLISH q0 'a' 'hi' {PayloadFormatIndicator=1 MessageExpiryInterval=60 TopicAlias=7 ResponseTopic='r/s' CorrelationData='\\00\\FF' UserProperty='k':'1' "
                + "UserProperty='k':'2' SubscriptionIdentifier=1 SubscriptionIdentifier=268435455 SubscriptionIdentifier=1 ContentType='text/plain'}");
            yield return Reads("PUBLISH with every property a client may send", Version, FromClient,
                "32 { s'a' 0003 { 03 s'' 26 s'' s'' 09 [] 08 s'r' 23 FFFF 02 FFFFFFFF 01 00 } }",
                "PUBLISH q1 id=3 'a' '' {ContentType='' UserProperty='':'' CorrelationData='' ResponseTopic='r' TopicAlias=65535 MessageExpiryInterval=4294967295 PayloadFormatIndicator=0}");
            yield return Reads("PUBLISH with an alias in place of the topic", Version, FromEither, "30 { s'' { 23 0001 } 'x' }", "PUBLISH q0 '' 'x' {TopicAlias=1}");
            yield return Reads("PUBLISH with an alias in place of the topic at QoS 2", Version, FromEither, "34 { s'' 0009 { 26 s'k' s'v' 23 0001 } 'x' }", "PUBLISH q2 id=9 '' 'x' {UserProperty='k':'v' TopicAlias=1}");
            yield return Reads("PUBLISH with 127 bytes of properties", Version, FromEither, "30 { s'a' { 26 s'k' 0079 76*121 } }", $"PUBLISH q0 'a' '' {{UserProperty='k':'{new string('v', 121)}'}}");
            yield return Reads("PUBLISH with 128 bytes of properties", Version, FromEither, "30 { s'a' { 26 s'k' 007A 76*122 } }", $"PUBLISH q0 'a' '' {{UserProperty='k':'{new string('v', 122)}'}}");
            yield return Refuses("PUBLISH with neither topic nor alias", Version, FromEither, "30 { s'' {} 'x' }", Forbidden);
            yield return Refuses("PUBLISH with neither topic nor alias, but other properties", Version, FromEither, "30 { s'' { 01 01 } 'x' }", Forbidden);
            yield return Refuses("PUBLISH with alias 0", Version, FromEither, "30 { s'a' { 23 0000 } }", ReasonCode.TopicAliasInvalid).V5("3.3.2-8");
            yield return Refuses("PUBLISH with alias 0 in place of the topic", Version, FromEither, "30 { s'' { 23 0000 } }", ReasonCode.TopicAliasInvalid).V5("3.3.2-8");
            yield return Refuses("PUBLISH of a client with a subscription identifier", Version, FromClient, "30 { s'a' { 0B 01 } }", Forbidden).V5("3.3.4-6");
            yield return Refuses("PUBLISH with subscription identifier 0", Version, FromServer, "30 { s'a' { 0B 00 } }", Forbidden);
            yield return Refuses("PUBLISH with a subscription identifier of five bytes", Version, FromServer, "30 { s'a' { 0B FFFFFFFF01 } }", Malformed);
            yield return Refuses("PUBLISH with a subscription identifier that is not minimal", Version, FromServer, "30 { s'a' { 0B 8100 } }", Malformed).V5("1.5.5-1");
            yield return Refuses("PUBLISH with format 2", Version, FromEither, "30 { s'a' { 01 02 } }", Forbidden);
            yield return Refuses("PUBLISH with + in the response topic", Version, FromEither, "30 { s'a' { 08 s'a/+' } }", Malformed).V5("3.3.2-14");
            yield return Refuses("PUBLISH with # in the response topic", Version, FromEither, "30 { s'a' { 08 s'#' } }", Malformed).V5("3.3.2-14");
            yield return Refuses("PUBLISH with an empty response topic", Version, FromEither, "30 { s'a' { 08 s'' } }", Malformed).V5("4.7.3-1");
            yield return Refuses("PUBLISH with a response topic that is no UTF-8", Version, FromEither, "30 { s'a' { 08 [FF] } }", Malformed).V5("3.3.2-13");
            yield return Refuses("PUBLISH with a content type that is no UTF-8", Version, FromEither, "30 { s'a' { 03 [C080] } }", Malformed).V5("3.3.2-19");
            yield return Refuses("PUBLISH with the name of a user property that is no UTF-8", Version, FromEither, "30 { s'a' { 26 [FF] s'v' } }", Malformed).V5("1.5.7-1");
            yield return Refuses("PUBLISH with the value of a user property that is no UTF-8", Version, FromEither, "30 { s'a' { 26 s'k' [FF] } }", Malformed).V5("1.5.7-1");
            yield return Refuses("PUBLISH with a null in a user property", Version, FromEither, "30 { s'a' { 26 s'k' [00] } }", Malformed).V5("1.5.7-1");
            yield return Refuses("PUBLISH without a property length", Version, FromEither, "30 { s'a' }", Malformed).V5("2.2.2-1");
            yield return Refuses("PUBLISH with more properties than bytes", Version, FromEither, "30 { s'a' 05 01 00 }", Malformed);
            yield return Refuses("PUBLISH with a property length that ends inside a property", Version, FromEither, "30 { s'a' 04 02 0000003C 'x' }", Malformed);
            yield return Refuses("PUBLISH with a property length of five bytes", Version, FromEither, "30 { s'a' FFFFFFFF01 }", Malformed);
            yield return Refuses("PUBLISH with a property length that is not minimal", Version, FromEither, "30 { s'a' 8000 'x' }", Malformed).V5("1.5.5-1");
            yield return Refuses("PUBLISH with a property without a value", Version, FromEither, "30 { s'a' { 01 } 'x' }", Malformed);
            yield return Refuses("PUBLISH with half an alias", Version, FromEither, "30 { s'a' { 23 00 } 'x' }", Malformed);
            yield return Refuses("PUBLISH with a user property without a value", Version, FromEither, "30 { s'a' { 26 s'k' } 'x' }", Malformed);
            yield return Refuses("PUBLISH with correlation data that is cut off", Version, FromEither, "30 { s'a' { 09 0005 00 } 'x' }", Malformed);
        }
    }
}
