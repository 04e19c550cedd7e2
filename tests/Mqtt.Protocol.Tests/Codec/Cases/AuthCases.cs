using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>AUTH (section 3.15), 5.0 only.</summary>
internal static class AuthCases
{
    public static IEnumerable<CodecCase> All
    {
        get
        {
            const MqttProtocolVersion Version = Mqtt5;
            foreach (var sender in Sides)
            {
                yield return Reads("AUTH, continue", Version, sender, "F0 { 18 { 15 s'M' 16 [00FF] } }", "AUTH 18 {AuthenticationMethod='M' AuthenticationData='\\00\\FF'}");
                yield return Reads("AUTH with every property", Version, sender, "F0 { 18 { 26 s'a' s'b' 1F s'why' 16 [] 15 s'M' 26 s'a' s'b' } }",
                    "AUTH 18 {UserProperty='a':'b' ReasonString='why' AuthenticationData='' AuthenticationMethod='M' UserProperty='a':'b'}");
                yield return Refuses("AUTH without anything", Version, sender, "F0 00", Forbidden).V5("4.12.0-5");
                yield return Refuses("AUTH with a code alone", Version, sender, "F0 01 18", Forbidden).V5("4.12.0-5");
                yield return Refuses("AUTH without properties", Version, sender, "F0 02 18 00", Forbidden).V5("4.12.0-5");
                yield return Refuses("AUTH without a method", Version, sender, "F0 { 18 { 26 s'a' s'b' } }", Forbidden).V5("4.12.0-5");
                yield return Refuses("AUTH with data and no method", Version, sender, "F0 { 18 { 16 [01] } }", Forbidden);
                yield return Refuses("AUTH with two methods", Version, sender, "F0 { 18 { 15 s'M' 15 s'M' } }", Forbidden);
                yield return Refuses("AUTH with a byte too many", Version, sender, "F0 { 18 { 15 s'M' } 00 }", Malformed);
                yield return Refuses("AUTH with more properties than bytes", Version, sender, "F0 { 18 09 15 s'M' }", Malformed);
                yield return Refuses("AUTH with a method that is no UTF-8", Version, sender, "F0 { 18 { 15 [FF] } }", Malformed);
            }

            yield return Reads("AUTH, again", Version, FromClient, "F0 { 19 { 15 s'M' } }", "AUTH 19 {AuthenticationMethod='M'}").V5("4.12.1-1");
            yield return Reads("AUTH, success", Version, FromServer, "F0 { 00 { 15 s'M' } }", "AUTH 00 {AuthenticationMethod='M'}");
        }
    }
}
