using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>DISCONNECT (section 3.14).</summary>
internal static class DisconnectCases
{
    public static IEnumerable<CodecCase> All
    {
        get
        {
            foreach (var version in VersionsBefore5)
            {
                yield return Reads("DISCONNECT", version, FromClient, "E0 00", "DISCONNECT 00");
                yield return Reads("DISCONNECT read by a tool", version, FromEither, "E0 00", "DISCONNECT 00");
                yield return Refuses("DISCONNECT with a reason code", version, FromClient, "E0 01 00", Malformed);
                yield return Refuses("DISCONNECT with properties", version, FromClient, "E0 02 00 00", Malformed);
            }

            const MqttProtocolVersion Version = Mqtt5;
            foreach (var sender in Sides)
            {
                yield return Reads("DISCONNECT without anything", Version, sender, "E0 00", "DISCONNECT 00");
                yield return Reads("DISCONNECT with code 0 alone", Version, sender, "E0 01 00", "DISCONNECT 00").WrittenAs("E0 00");
                yield return Reads("DISCONNECT with code 0 and no properties", Version, sender, "E0 02 00 00", "DISCONNECT 00").WrittenAs("E0 00");
                yield return Reads("DISCONNECT with an error alone", Version, sender, "E0 01 81", "DISCONNECT 81");
                yield return Reads("DISCONNECT with an error and no properties", Version, sender, "E0 02 81 00", "DISCONNECT 81").WrittenAs("E0 01 81");
                yield return Reads("DISCONNECT with a reason string", Version, sender, "E0 { 82 { 1F s'why' 26 s'a' s'b' } }", "DISCONNECT 82 {ReasonString='why' UserProperty='a':'b'}");
                yield return Refuses("DISCONNECT with a byte too many", Version, sender, "E0 { 00 {} 00 }", Malformed);
                yield return Refuses("DISCONNECT with more properties than bytes", Version, sender, "E0 { 00 05 26 }", Malformed);
                yield return Refuses("DISCONNECT with authentication data", Version, sender, "E0 { 00 { 16 [01] } }", Malformed);
            }

            yield return Reads("DISCONNECT with a session expiry", Version, FromClient, "E0 { 00 { 11 0000003C } }", "DISCONNECT 00 {SessionExpiryInterval=60}");
            yield return Reads("DISCONNECT with will", Version, FromClient, "E0 01 04", "DISCONNECT 04");
            yield return Refuses("DISCONNECT of a server with a session expiry", Version, FromServer, "E0 { 00 { 11 0000003C } }", Forbidden).V5("3.14.2-2");
            yield return Reads("DISCONNECT with a server reference", Version, FromServer, "E0 { 9D { 1C s'other:1883' } }", "DISCONNECT 9D {ServerReference='other:1883'}");
            yield return Refuses("DISCONNECT of a client with a server reference", Version, FromClient, "E0 { 00 { 1C s'other' } }", Forbidden);
            yield return Reads("DISCONNECT with everything, read by a tool", Version, FromEither, "E0 { 00 { 11 0000003C 1C s'other' } }", "DISCONNECT 00 {SessionExpiryInterval=60 ServerReference='other'}");
        }
    }
}
