using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>SUBSCRIBE (section 3.8).</summary>
internal static class SubscribeCases
{
    public static IEnumerable<CodecCase> All => [.. Versions.SelectMany(OfAll), .. Before5, .. Of5];

    private static IEnumerable<CodecCase> OfAll(MqttProtocolVersion version)
    {
        var p = NoProperties(version);
        foreach (var sender in new[] { FromClient, FromEither })
        {
            for (var qos = 0; qos <= 2; qos++)
                yield return Reads($"SUBSCRIBE at QoS {qos}", version, sender, $"82 {{ 0001 {p} s'a/b' 0{qos} }}", $"SUBSCRIBE 1 'a/b' q{qos}");
        }

        yield return Reads("SUBSCRIBE to several filters", version, FromClient, $"82 {{ FFFF {p} s'a/b' 01 s'c/d' 02 s'a/b' 00 }}", "SUBSCRIBE 65535 'a/b' q1 'c/d' q2 'a/b' q0");
        foreach (var filter in new[] { "#", "+", "/#", "a/#", "a/+/b", "+/+", "/", "$SYS/#", "a b", "$share" })
            yield return Reads($"SUBSCRIBE to {filter}", version, FromClient, $"82 {{ 0001 {p} s'{filter}' 00 }}", $"SUBSCRIBE 1 '{filter}' q0");
        yield return Reads("SUBSCRIBE to a filter of 65,535 bytes", version, FromClient, $"82 {{ 0001 {p} FFFF 61*65535 00 }}", "SUBSCRIBE 1 'aaaa'*65535 q0").V5("4.7.3-3").V311("4.7.3-3");
        yield return Reads("SUBSCRIBE to a shared filter", version, FromClient, $"82 {{ 0001 {p} s'$share/g/a/+' 01 }}", "SUBSCRIBE 1 '$share/g/a/+' q1");

        foreach (var filter in new[] { "a#", "#/a", "a/#/b", "a/b#", "##" })
            yield return Refuses($"SUBSCRIBE to {filter}", version, FromClient, $"82 {{ 0001 {p} s'{filter}' 00 }}", Malformed).V5("4.7.1-1").V311("4.7.1-2");
        foreach (var filter in new[] { "a+", "+a", "a/+b", "a/b+/c", "++" })
            yield return Refuses($"SUBSCRIBE to {filter}", version, FromClient, $"82 {{ 0001 {p} s'{filter}' 00 }}", Malformed).V5("4.7.1-2").V311("4.7.1-3");
        yield return Refuses("SUBSCRIBE to an empty filter", version, FromClient, $"82 {{ 0001 {p} s'' 00 }}", Malformed).V5("4.7.3-1").V311("4.7.3-1");
        yield return Refuses("SUBSCRIBE with a second filter that is bad", version, FromClient, $"82 {{ 0001 {p} s'a' 00 s'b#' 00 }}", Malformed);
        yield return Refuses("SUBSCRIBE with a null in the filter", version, FromClient, $"82 {{ 0001 {p} [6100] 00 }}", Malformed).V5("4.7.3-2").V311("4.7.3-2");
        yield return Refuses("SUBSCRIBE with a filter that is no UTF-8", version, FromClient, $"82 {{ 0001 {p} [61FF] 00 }}", Malformed).V5("3.8.3-1").V311("3.8.3-1");
        yield return Refuses("SUBSCRIBE without a filter", version, FromClient, $"82 {{ 0001 {p} }}", Forbidden).V5("3.8.3-2").V311("3.8.3-3");
        yield return Refuses("SUBSCRIBE with packet id 0", version, FromClient, $"82 {{ 0000 {p} s'a' 00 }}", Forbidden).V5("2.2.1-3").V311("2.3.1-1");
        yield return Refuses("SUBSCRIBE without options", version, FromClient, $"82 {{ 0001 {p} s'a' }}", Malformed);
        yield return Refuses("SUBSCRIBE without options of the last filter", version, FromClient, $"82 {{ 0001 {p} s'a' 00 s'b' }}", Malformed);
        yield return Refuses("SUBSCRIBE with a filter that is cut off", version, FromClient, $"82 {{ 0001 {p} 0005 'a' 00 }}", Malformed);
        yield return Refuses("SUBSCRIBE without anything", version, FromClient, "82 00", Malformed);
        yield return Refuses("SUBSCRIBE with half a packet id", version, FromClient, "82 01 00", Malformed);
        foreach (var options in new[] { "40", "80", "C1" })
            yield return Refuses($"SUBSCRIBE with the options {options}", version, FromClient, $"82 {{ 0001 {p} s'a' {options} }}", Malformed).V5("3.8.3-5").V311("3.8.3-4");
    }

    private static IEnumerable<CodecCase> Before5
    {
        get
        {
            foreach (var version in VersionsBefore5)
            {
                yield return Refuses("SUBSCRIBE at QoS 3", version, FromClient, "82 { 0001 s'a' 03 }", Malformed).V311("3.8.3-4");
                foreach (var options in new[] { "04", "08", "10", "20" })
                    yield return Refuses($"SUBSCRIBE with the options {options}", version, FromClient, $"82 {{ 0001 s'a' {options} }}", Malformed).V311("3.8.3-4");

                // Shared subscriptions are no part of 3.x; the server decides.
                foreach (var filter in new[] { "$share/", "$share/g", "$share//a", "$share/+/a", "$share/g/" })
                    yield return Reads($"SUBSCRIBE to {filter}", version, FromClient, $"82 {{ 0001 s'{filter}' 00 }}", $"SUBSCRIBE 1 '{filter}' q0");
            }

            yield return Reads("SUBSCRIBE once more", Mqtt31, FromClient, "8A { 0001 s'a' 01 }", "SUBSCRIBE 1 'a' q1").WrittenAs("82 { 0001 s'a' 01 }");
            yield return Reads("UNSUBSCRIBE once more", Mqtt31, FromClient, "AA { 0001 s'a' }", "UNSUBSCRIBE 1 'a'").WrittenAs("A2 { 0001 s'a' }");
        }
    }

    private static IEnumerable<CodecCase> Of5
    {
        get
        {
            const MqttProtocolVersion Version = Mqtt5;
            static string Subscribe(string filter, string options, string properties = "{}") => $"82 {{ 0001 {properties} s'{filter}' {options} }}";

            yield return Reads("SUBSCRIBE, no local", Version, FromClient, Subscribe("a", "04"), "SUBSCRIBE 1 'a' q0 nl");
            yield return Reads("SUBSCRIBE, retain as published", Version, FromClient, Subscribe("a", "09"), "SUBSCRIBE 1 'a' q1 rap");
            yield return Reads("SUBSCRIBE, retained messages if new", Version, FromClient, Subscribe("a", "12"), "SUBSCRIBE 1 'a' q2 rh1");
            yield return Reads("SUBSCRIBE, no retained messages", Version, FromClient, Subscribe("a", "20"), "SUBSCRIBE 1 'a' q0 rh2");
            yield return Reads("SUBSCRIBE with every option", Version, FromClient, Subscribe("a", "2E"), "SUBSCRIBE 1 'a' q2 nl rap rh2");
            yield return Reads("SUBSCRIBE with different options", Version, FromClient, "82 { 0001 {} s'a' 04 s'b' 08 s'c' 10 }", "SUBSCRIBE 1 'a' q0 nl 'b' q0 rap 'c' q0 rh1");
            yield return Reads("SUBSCRIBE with an identifier", Version, FromClient, Subscribe("a", "00", "{ 0B 01 }"), "SUBSCRIBE 1 'a' q0 {SubscriptionIdentifier=1}");
            yield return Reads("SUBSCRIBE with the largest identifier", Version, FromClient, Subscribe("a", "00", "{ 0B FFFFFF7F }"), "SUBSCRIBE 1 'a' q0 {SubscriptionIdentifier=268435455}");
            yield return Reads("SUBSCRIBE with user properties", Version, FromClient, Subscribe("a", "00", "{ 26 s'k' s'v' 0B 8001 26 s'k' s'v' }"),
                "SUBSCRIBE 1 'a' q0 {UserProperty='k':'v' SubscriptionIdentifier=128 UserProperty='k':'v'}");
            yield return Reads("SUBSCRIBE to a shared filter of $SYS", Version, FromClient, Subscribe("$share/g/$SYS/#", "00"), "SUBSCRIBE 1 '$share/g/$SYS/#' q0");
            yield return Reads("SUBSCRIBE to a shared filter with an empty level", Version, FromClient, Subscribe("$share/g//a", "08"), "SUBSCRIBE 1 '$share/g//a' q0 rap");

            yield return Refuses("SUBSCRIBE at QoS 3", Version, FromClient, Subscribe("a", "03"), Forbidden);
            yield return Refuses("SUBSCRIBE with retain handling 3", Version, FromClient, Subscribe("a", "30"), Forbidden);
            yield return Refuses("SUBSCRIBE, shared and no local", Version, FromClient, Subscribe("$share/g/a", "04"), Forbidden).V5("3.8.3-4");
            foreach (var filter in new[] { "$share/", "$share//a", "$share//" })
                yield return Refuses($"SUBSCRIBE to {filter}", Version, FromClient, Subscribe(filter, "00"), Malformed).V5("4.8.2-1");
            foreach (var filter in new[] { "$share/g", "$share/g/", "$share/+/a", "$share/#", "$share/g/#/a", "$share/g+/a" })
                yield return Refuses($"SUBSCRIBE to {filter}", Version, FromClient, Subscribe(filter, "00"), Malformed).V5("4.8.2-2");
            yield return Refuses("SUBSCRIBE with identifier 0", Version, FromClient, Subscribe("a", "00", "{ 0B 00 }"), Forbidden);
            yield return Refuses("SUBSCRIBE with two identifiers", Version, FromClient, Subscribe("a", "00", "{ 0B 01 0B 02 }"), Forbidden);
            yield return Refuses("SUBSCRIBE without a property length", Version, FromClient, "82 { 0001 }", Malformed).V5("2.2.2-1");
            yield return Refuses("SUBSCRIBE with more properties than bytes", Version, FromClient, "82 { 0001 09 0B 01 s'a' 00 }", Malformed);
        }
    }
}
