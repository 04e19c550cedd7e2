using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>CONNECT (section 3.1).</summary>
internal static class ConnectCases
{
    private const ReasonCode UnknownLevel = ReasonCode.UnsupportedProtocolVersion;

    public static IEnumerable<CodecCase> All => [.. Versions.SelectMany(OfAll), .. NamesAndLevels, .. Of31, .. Before5, .. Since311, .. Of5];

    private static IEnumerable<CodecCase> OfAll(MqttProtocolVersion version)
    {
        var number = Number(version);
        string Connect(string flags, string payload, string keepAlive = "003C") => $"10 {{ {Level(version)} {flags} {keepAlive} {NoProperties(version)} {payload} }}";
        var w = NoProperties(version);

        yield return Reads("CONNECT, clean", version, FromClient, Connect("02", "s'c'"), $"CONNECT {number} clean keepalive=60 client='c'");
        yield return Reads("CONNECT, not clean", version, FromClient, Connect("00", "s'c'"), $"CONNECT {number} keepalive=60 client='c'");
        yield return Reads("CONNECT read by a tool", version, FromEither, Connect("00", "s'c'"), $"CONNECT {number} keepalive=60 client='c'");
        yield return Reads("CONNECT without keep-alive", version, FromClient, Connect("02", "s'c'", "0000"), $"CONNECT {number} clean keepalive=0 client='c'");
        yield return Reads("CONNECT with the longest keep-alive", version, FromClient, Connect("02", "s'c'", "FFFF"), $"CONNECT {number} clean keepalive=65535 client='c'");
        yield return Reads("CONNECT with an empty client id", version, FromClient, Connect("02", "s''"), $"CONNECT {number} clean keepalive=60 client=''");
        yield return Reads("CONNECT with an empty client id, not clean", version, FromClient, Connect("00", "s''"), $"CONNECT {number} keepalive=60 client=''");
        yield return Reads("CONNECT with a client id of 23 letters", version, FromClient, Connect("02", "s'abcdefghijklmnopqrstuvw'"), $"CONNECT {number} clean keepalive=60 client='abcdefghijklmnopqrstuvw'")
            .V5("3.1.3-5").V311("3.1.3-5");
        yield return Reads("CONNECT with all 62 letters and digits as client id", version, FromClient,
            Connect("02", "s'0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'"),
            $"CONNECT {number} clean keepalive=60 client='0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'").V5("3.1.3-5").V311("3.1.3-5");
        yield return Reads("CONNECT with a client id of 65,535 bytes", version, FromClient, Connect("02", "FFFF 61*65535"), $"CONNECT {number} clean keepalive=60 client='aaaa'*65535");
        yield return Reads("CONNECT with a client id of other characters", version, FromClient, Connect("02", "s'a/ü#'"), $"CONNECT {number} clean keepalive=60 client='a/\\C3\\BC#'");

        yield return Reads("CONNECT with a user name", version, FromClient, Connect("82", "s'c' s'u'"), $"CONNECT {number} clean keepalive=60 client='c' user='u'").V5("3.1.2-17").V311("3.1.2-19");
        yield return Reads("CONNECT with an empty user name", version, FromClient, Connect("82", "s'c' s''"), $"CONNECT {number} clean keepalive=60 client='c' user=''");
        yield return Reads("CONNECT with user name and password", version, FromClient, Connect("C2", "s'c' s'u' s'p'"), $"CONNECT {number} clean keepalive=60 client='c' user='u' password='p'")
            .V5("3.1.2-19").V311("3.1.2-21");
        yield return Reads("CONNECT with a password of any bytes", version, FromClient, Connect("C2", "s'c' s'u' [00FF00C0]"), $"CONNECT {number} clean keepalive=60 client='c' user='u' password='\\00\\FF\\00\\C0'");
        yield return Reads("CONNECT with an empty password", version, FromClient, Connect("C2", "s'c' s'u' []"), $"CONNECT {number} clean keepalive=60 client='c' user='u' password=''");

        yield return Reads("CONNECT with a will at QoS 0", version, FromClient, Connect("06", $"s'c' {w} s't' s'gone'"), $"CONNECT {number} clean keepalive=60 client='c' will(q0 't' 'gone')")
            .V5("3.1.2-12").V311("3.1.2-14");
        yield return Reads("CONNECT with a will at QoS 1", version, FromClient, Connect("0E", $"s'c' {w} s't' s'gone'"), $"CONNECT {number} clean keepalive=60 client='c' will(q1 't' 'gone')")
            .V5("3.1.2-12").V311("3.1.2-14");
        yield return Reads("CONNECT with a will at QoS 2", version, FromClient, Connect("16", $"s'c' {w} s't' s'gone'"), $"CONNECT {number} clean keepalive=60 client='c' will(q2 't' 'gone')")
            .V5("3.1.2-12").V311("3.1.2-14");
        yield return Reads("CONNECT with a will to retain", version, FromClient, Connect("26", $"s'c' {w} s't' s'gone'"), $"CONNECT {number} clean keepalive=60 client='c' will(q0 retain 't' 'gone')");
        yield return Reads("CONNECT with an empty will", version, FromClient, Connect("06", $"s'c' {w} s't' []"), $"CONNECT {number} clean keepalive=60 client='c' will(q0 't' '')");
        yield return Reads("CONNECT with a will of any bytes", version, FromClient, Connect("06", $"s'c' {w} s't' [00FF]"), $"CONNECT {number} clean keepalive=60 client='c' will(q0 't' '\\00\\FF')");
        yield return Reads("CONNECT with a will of 65,535 bytes", version, FromClient, Connect("06", $"s'c' {w} s't' FFFF 00*65535"), $"CONNECT {number} clean keepalive=60 client='c' will(q0 't' '\\00\\00\\00\\00'*65535)");
        yield return Reads("CONNECT with everything, in its order", version, FromClient, Connect("EC", $"s'c' {w} s't' s'gone' s'u' s'p'"),
            $"CONNECT {number} keepalive=60 client='c' will(q1 retain 't' 'gone') user='u' password='p'").V5("3.1.3-1", "3.1.2-9").V311("3.1.3-1", "3.1.2-9");

        yield return Refuses("CONNECT with the reserved flag", version, FromClient, Connect("03", "s'c'"), Malformed).V5("3.1.2-3").V311("3.1.2-3");
        yield return Refuses("CONNECT with a will at QoS 3", version, FromClient, Connect("1E", $"s'c' {w} s't' s'gone'"), Malformed).V5("3.1.2-12").V311("3.1.2-14");
        yield return Refuses("CONNECT without a will but with its QoS 1", version, FromClient, Connect("0A", "s'c'"), Malformed).V5("3.1.2-11").V311("3.1.2-11", "3.1.2-13");
        yield return Refuses("CONNECT without a will but with its QoS 2", version, FromClient, Connect("12", "s'c'"), Malformed).V5("3.1.2-11").V311("3.1.2-11", "3.1.2-13");
        yield return Refuses("CONNECT without a will but with its QoS 3", version, FromClient, Connect("1A", "s'c'"), Malformed).V5("3.1.2-11").V311("3.1.2-11", "3.1.2-13");
        yield return Refuses("CONNECT without a will but with its retain flag", version, FromClient, Connect("22", "s'c'"), Malformed).V5("3.1.2-13").V311("3.1.2-11", "3.1.2-15");
        yield return Refuses("CONNECT with a will flag and no will", version, FromClient, Connect("06", "s'c'"), Malformed).V5("3.1.2-9").V311("3.1.2-9");
        yield return Refuses("CONNECT with a will topic and no payload", version, FromClient, Connect("06", $"s'c' {w} s't'"), Malformed).V5("3.1.2-9").V311("3.1.2-9");
        yield return Refuses("CONNECT without a will flag but with a will", version, FromClient, Connect("02", $"s'c' {w} s't' s'gone'"), Malformed).V311("3.1.2-11");
        yield return Refuses("CONNECT with an empty will topic", version, FromClient, Connect("06", $"s'c' {w} s'' s'gone'"), Malformed).V5("4.7.3-1").V311("4.7.3-1");
        yield return Refuses("CONNECT with a wildcard in the will topic", version, FromClient, Connect("06", $"s'c' {w} s'a/+' s'gone'"), Malformed).V5("4.7.0-1").V311("4.7.1-1");
        yield return Refuses("CONNECT with a will topic that is no UTF-8", version, FromClient, Connect("06", $"s'c' {w} [C0] s'gone'"), Malformed).V5("3.1.3-11").V311("3.1.3-10");
        yield return Refuses("CONNECT with a will payload that is cut off", version, FromClient, Connect("06", $"s'c' {w} s't' 0005 'gone'"), Malformed);

        yield return Refuses("CONNECT without client id", version, FromClient, Connect("02", ""), Malformed).V5("3.1.3-3").V311("3.1.3-3");
        yield return Refuses("CONNECT with a client id that is cut off", version, FromClient, Connect("02", "0002 'c'"), Malformed);
        yield return Refuses("CONNECT with half a length of the client id", version, FromClient, Connect("02", "00"), Malformed);
        yield return Refuses("CONNECT with a client id that is no UTF-8", version, FromClient, Connect("02", "[61FF]"), Malformed).V5("3.1.3-4", "1.5.4-1").V311("3.1.3-4", "1.5.3-1");
        yield return Refuses("CONNECT with a null in the client id", version, FromClient, Connect("02", "[6100]"), Malformed).V5("1.5.4-2").V311("1.5.3-2");
        yield return Refuses("CONNECT with a user name that is no UTF-8", version, FromClient, Connect("82", "s'c' [EDA080]"), Malformed).V5("3.1.3-12").V311("3.1.3-11");
        yield return Refuses("CONNECT with a user name that is cut off", version, FromClient, Connect("82", "s'c' 0002 'u'"), Malformed);
        yield return Refuses("CONNECT with a password that is cut off", version, FromClient, Connect("C2", "s'c' s'u' 0002 'p'"), Malformed);
        yield return Refuses("CONNECT without a user flag but with a user name", version, FromClient, Connect("02", "s'c' s'u'"), Malformed).V5("3.1.2-16").V311("3.1.2-18");
        yield return Refuses("CONNECT without a password flag but with a password", version, FromClient, Connect("82", "s'c' s'u' s'p'"), Malformed).V5("3.1.2-18").V311("3.1.2-20");
        yield return Refuses("CONNECT with a byte too many", version, FromClient, Connect("02", "s'c' 00"), Malformed).V5("3.1.4-1").V311("3.1.4-1");
        yield return Refuses("CONNECT that ends after the level", version, FromClient, $"10 {{ {Level(version)} }}", Malformed).V5("3.1.4-1").V311("3.1.4-1");
        yield return Refuses("CONNECT that ends after the flags", version, FromClient, $"10 {{ {Level(version)} 02 }}", Malformed);
        yield return Refuses("CONNECT that ends inside the keep-alive", version, FromClient, $"10 {{ {Level(version)} 02 00 }}", Malformed);
        yield return Refuses("CONNECT without anything", version, FromClient, "10 00", Malformed);
    }

    private static IEnumerable<CodecCase> NamesAndLevels
    {
        get
        {
            string[] unknown = ["s'MQTT' 00", "s'MQTT' 03", "s'MQTT' 06", "s'MQTT' 7F", "s'MQTT' 83", "s'MQTT' 85", "s'MQTT' FF", "s'MQIsdp' 04", "s'MQIsdp' 05", "s'MQIsdp' 02", "s'MQIsdp' 84"];
            foreach (var level in unknown)
            {
                yield return Refuses($"CONNECT with {level}", Mqtt5, FromClient, $"10 {{ {level} 02 003C {{}} s'c' }}", UnknownLevel).V5("3.1.2-2");
                yield return Refuses($"CONNECT with {level}", Mqtt311, FromClient, $"10 {{ {level} 02 003C s'c' }}", UnknownLevel).V311("3.1.2-2");
            }

            yield return Refuses("the level is judged before what follows", Mqtt5, FromClient, "10 { s'MQTT' 06 FF }", UnknownLevel).V5("3.1.2-2");
            yield return Refuses("the level is judged even if nothing follows", Mqtt311, FromClient, "10 { s'MQTT' 09 }", UnknownLevel).V311("3.1.2-2");

            foreach (var name in new[] { "s'mqtt'", "s'MQT'", "s'MQTTT'", "s'MQIsdP'", "s''", "s'HTTP'", "[FFFF]" })
            {
                yield return Refuses($"CONNECT with the name {name}", Mqtt5, FromClient, $"10 {{ {name} 05 02 003C {{}} s'c' }}", Forbidden).V5("3.1.2-1");
                yield return Refuses($"CONNECT with the name {name}", Mqtt311, FromClient, $"10 {{ {name} 04 02 003C s'c' }}", Forbidden).V311("3.1.2-1");
            }

            yield return Refuses("CONNECT with a name that is cut off", Mqtt5, FromClient, "10 { 0004 'MQT' }", Malformed);
            yield return Refuses("CONNECT without a level", Mqtt5, FromClient, "10 { s'MQTT' }", Malformed);

            // Whatever the reader expected, CONNECT says itself how it is written.
            yield return Reads("CONNECT of 3.1.1 where 5.0 was expected", Mqtt5, FromClient, "10 { s'MQTT' 04 02 003C s'c' }", "CONNECT 3.1.1 clean keepalive=60 client='c'");
            yield return Reads("CONNECT of 3.1 where 5.0 was expected", Mqtt5, FromClient, "10 { s'MQIsdp' 03 02 003C s'c' }", "CONNECT 3.1 clean keepalive=60 client='c'");
            yield return Reads("CONNECT of 5.0 where 3.1.1 was expected", Mqtt311, FromClient, "10 { s'MQTT' 05 02 003C {} s'c' }", "CONNECT 5.0 clean keepalive=60 client='c'");
            yield return Refuses("CONNECT of 5.0 with a bad flag where 3.1.1 was expected", Mqtt311, FromClient, "10 { s'MQTT' 05 03 003C {} s'c' }", Malformed);

            yield return Reads("CONNECT of a bridge", Mqtt31, FromClient, "10 { s'MQIsdp' 83 02 003C s'c' }", "CONNECT 3.1 bridge clean keepalive=60 client='c'");
            yield return Reads("CONNECT of a bridge", Mqtt311, FromClient, "10 { s'MQTT' 84 02 003C s'c' }", "CONNECT 3.1.1 bridge clean keepalive=60 client='c'");
        }
    }

    // In 3.1 user name and password may be announced and missing.
    private static IEnumerable<CodecCase> Of31
    {
        get
        {
            yield return Reads("CONNECT with a user flag and no user name", Mqtt31, FromClient, "10 { s'MQIsdp' 03 82 003C s'c' }", "CONNECT 3.1 clean keepalive=60 client='c'")
                .WrittenAs("10 { s'MQIsdp' 03 02 003C s'c' }");
            yield return Reads("CONNECT with both flags and neither user name nor password", Mqtt31, FromClient, "10 { s'MQIsdp' 03 C2 003C s'c' }", "CONNECT 3.1 clean keepalive=60 client='c'")
                .WrittenAs("10 { s'MQIsdp' 03 02 003C s'c' }");
            yield return Reads("CONNECT with both flags and no password", Mqtt31, FromClient, "10 { s'MQIsdp' 03 C2 003C s'c' s'u' }", "CONNECT 3.1 clean keepalive=60 client='c' user='u'")
                .WrittenAs("10 { s'MQIsdp' 03 82 003C s'c' s'u' }");
            yield return Refuses("CONNECT with both flags and half a length", Mqtt31, FromClient, "10 { s'MQIsdp' 03 C2 003C s'c' s'u' 00 }", Malformed);
            yield return Reads("CONNECT with a client id of 24 bytes", Mqtt31, FromClient, "10 { s'MQIsdp' 03 02 003C s'abcdefghijklmnopqrstuvwx' }", "CONNECT 3.1 clean keepalive=60 client='abcdefghijklmnopqrstuvwx'");
        }
    }

    private static IEnumerable<CodecCase> Before5
    {
        get
        {
            foreach (var version in VersionsBefore5)
            {
                yield return Refuses("CONNECT with a password and no user name", version, FromClient, $"10 {{ {Level(version)} 42 003C s'c' s'p' }}", Malformed).V311("3.1.2-22");
                yield return Refuses("CONNECT with properties", version, FromClient, $"10 {{ {Level(version)} 02 003C {{ 21 0001 }} s'c' }}", Malformed);
            }
        }
    }

    private static IEnumerable<CodecCase> Since311
    {
        get
        {
            foreach (var version in VersionsSince311)
            {
                string Connect(string flags, string payload) => $"10 {{ {Level(version)} {flags} 003C {NoProperties(version)} {payload} }}";
                yield return Refuses("CONNECT with a user flag and no user name", version, FromClient, Connect("82", "s'c'"), Malformed).V5("3.1.2-17").V311("3.1.2-19");
                yield return Refuses("CONNECT with a password flag and no password", version, FromClient, Connect("C2", "s'c' s'u'"), Malformed).V5("3.1.2-19").V311("3.1.2-21");
            }
        }
    }

    private static IEnumerable<CodecCase> Of5
    {
        get
        {
            const MqttProtocolVersion Version = Mqtt5;
            static string Connect(string properties, string payload = "s'c'", string flags = "02") => $"10 {{ s'MQTT' 05 {flags} 003C {properties} {payload} }}";
            const string Plain = "CONNECT 5.0 clean keepalive=60 client='c'";

            yield return Reads("CONNECT with a password and no user name", Version, FromClient, Connect("{}", "s'c' s'p'", "42"), $"{Plain} password='p'");
            yield return Reads("CONNECT with every property", Version, FromClient,
                Connect("{ 11 0000000A 21 0014 27 00010000 22 000A 19 01 17 00 26 s'a' s'b' 15 s'M' 16 [0102] }"),
                $"{Plain} {{SessionExpiryInterval=10 ReceiveMaximum=20 MaximumPacketSize=65536 TopicAliasMaximum=10 RequestResponseInformation=1 "
                + "RequestProblemInformation=0 UserProperty='a':'b' AuthenticationMethod='M' AuthenticationData='\\01\\02'}");
            yield return Reads("CONNECT with properties in another order", Version, FromClient, Connect("{ 16 [] 26 s'' s'' 15 s'' 21 FFFF 26 s'x' s'y' }"),
                $"{Plain} {{AuthenticationData='' UserProperty='':'' AuthenticationMethod='' ReceiveMaximum=65535 UserProperty='x':'y'}}");
            yield return Reads("CONNECT with a session that never ends", Version, FromClient, Connect("{ 11 FFFFFFFF }"), $"{Plain} {{SessionExpiryInterval=4294967295}}");
            yield return Reads("CONNECT with a will and all its properties", Version, FromClient,
                Connect("{}", "s'c' { 18 00000005 01 01 02 0000003C 03 s't/p' 08 s'r' 09 [AB] 26 s'k' s'v' 26 s'k' s'v' } s't' s'gone'", "06"),
                $"{Plain} will(q0 't' 'gone' {{WillDelayInterval=5 PayloadFormatIndicator=1 MessageExpiryInterval=60 ContentType='t/p' ResponseTopic='r' "
                + "CorrelationData='\\AB' UserProperty='k':'v' UserProperty='k':'v'})");
            yield return Refuses("CONNECT without a property length", Version, FromClient, "10 { s'MQTT' 05 02 003C }", Malformed).V5("2.2.2-1");
            yield return Refuses("CONNECT with more properties than bytes", Version, FromClient, "10 { s'MQTT' 05 02 003C 7F 21 0001 }", Malformed);
            yield return Refuses("CONNECT with a property length that ends inside a property", Version, FromClient, "10 { s'MQTT' 05 02 003C 02 21 0001 s'c' }", Malformed);
            yield return Refuses("CONNECT with a property length in two bytes instead of one", Version, FromClient, "10 { s'MQTT' 05 02 003C 8000 s'c' }", Malformed).V5("1.5.5-1");
            yield return Refuses("CONNECT with authentication data and no method", Version, FromClient, Connect("{ 16 [01] }"), Forbidden);
            yield return Refuses("CONNECT with Receive Maximum 0", Version, FromClient, Connect("{ 21 0000 }"), Forbidden);
            yield return Refuses("CONNECT with Maximum Packet Size 0", Version, FromClient, Connect("{ 27 00000000 }"), Forbidden);
            yield return Refuses("CONNECT with Request Response Information 2", Version, FromClient, Connect("{ 19 02 }"), Forbidden);
            yield return Refuses("CONNECT with Request Problem Information 2", Version, FromClient, Connect("{ 17 02 }"), Forbidden);
            yield return Refuses("CONNECT with a will delay among its own properties", Version, FromClient, Connect("{ 18 00000005 }"), Malformed);
            yield return Refuses("CONNECT with a will and no property length", Version, FromClient, Connect("{}", "s'c'", "06"), Malformed).V5("2.2.2-1");
            yield return Refuses("CONNECT with a session expiry among the will's properties", Version, FromClient, Connect("{}", "s'c' { 11 00000001 } s't' s'gone'", "06"), Malformed);
            yield return Refuses("CONNECT with a will format 2", Version, FromClient, Connect("{}", "s'c' { 01 02 } s't' s'gone'", "06"), Forbidden);
            yield return Refuses("CONNECT with a wildcard in the will's response topic", Version, FromClient, Connect("{}", "s'c' { 08 s'a/#' } s't' s'gone'", "06"), Malformed);
            yield return Refuses("CONNECT with an empty response topic of the will", Version, FromClient, Connect("{}", "s'c' { 08 s'' } s't' s'gone'", "06"), Malformed);
        }
    }
}
