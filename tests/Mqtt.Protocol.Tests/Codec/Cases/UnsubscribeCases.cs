using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>UNSUBSCRIBE (section 3.10).</summary>
internal static class UnsubscribeCases
{
    public static IEnumerable<CodecCase> All
    {
        get
        {
            foreach (var version in Versions)
            {
                var p = NoProperties(version);
                yield return Reads("UNSUBSCRIBE", version, FromClient, $"A2 {{ 0001 {p} s'a/b' }}", "UNSUBSCRIBE 1 'a/b'");
                yield return Reads("UNSUBSCRIBE read by a tool", version, FromEither, $"A2 {{ 0001 {p} s'a/b' }}", "UNSUBSCRIBE 1 'a/b'");
                yield return Reads("UNSUBSCRIBE from several filters", version, FromClient, $"A2 {{ FFFF {p} s'a/b' s'#' s'+/c' }}", "UNSUBSCRIBE 65535 'a/b' '#' '+/c'");
                yield return Reads("UNSUBSCRIBE from a shared filter", version, FromClient, $"A2 {{ 0001 {p} s'$share/g/a' }}", "UNSUBSCRIBE 1 '$share/g/a'");
                yield return Refuses("UNSUBSCRIBE without a filter", version, FromClient, $"A2 {{ 0001 {p} }}", Forbidden).V5("3.10.3-2").V311("3.10.3-2");
                yield return Refuses("UNSUBSCRIBE with packet id 0", version, FromClient, $"A2 {{ 0000 {p} s'a' }}", Forbidden).V5("2.2.1-3").V311("2.3.1-1");
                yield return Refuses("UNSUBSCRIBE from an empty filter", version, FromClient, $"A2 {{ 0001 {p} s'' }}", Malformed).V5("4.7.3-1").V311("4.7.3-1");
                yield return Refuses("UNSUBSCRIBE from a#", version, FromClient, $"A2 {{ 0001 {p} s'a#' }}", Malformed).V5("4.7.1-1").V311("4.7.1-2");
                yield return Refuses("UNSUBSCRIBE from a+", version, FromClient, $"A2 {{ 0001 {p} s'a+' }}", Malformed).V5("4.7.1-2").V311("4.7.1-3");
                yield return Refuses("UNSUBSCRIBE from a filter that is no UTF-8", version, FromClient, $"A2 {{ 0001 {p} [EDA080] }}", Malformed).V5("3.10.3-1").V311("3.10.3-1");
                yield return Refuses("UNSUBSCRIBE from a second filter that is no UTF-8", version, FromClient, $"A2 {{ 0001 {p} s'a' [FF] }}", Malformed).V5("3.10.3-1").V311("3.10.3-1");
                yield return Refuses("UNSUBSCRIBE from a filter that is cut off", version, FromClient, $"A2 {{ 0001 {p} 0003 'a' }}", Malformed);
                yield return Refuses("UNSUBSCRIBE with a byte too many", version, FromClient, $"A2 {{ 0001 {p} s'a' 00 }}", Malformed);
                yield return Refuses("UNSUBSCRIBE without anything", version, FromClient, "A2 00", Malformed);
                yield return Refuses("UNSUBSCRIBE with half a packet id", version, FromClient, "A2 01 00", Malformed);
            }

            const MqttProtocolVersion Version = Mqtt5;
            yield return Reads("UNSUBSCRIBE with user properties", Version, FromClient, "A2 { 0001 { 26 s'a' s'b' 26 s'a' s'c' } s'a' }", "UNSUBSCRIBE 1 'a' {UserProperty='a':'b' UserProperty='a':'c'}");
            yield return Refuses("UNSUBSCRIBE without a property length", Version, FromClient, "A2 { 0001 }", Malformed).V5("2.2.2-1");
            yield return Refuses("UNSUBSCRIBE from a shared filter without a name", Version, FromClient, "A2 { 0001 {} s'$share//a' }", Malformed).V5("4.8.2-1");
        }
    }
}
