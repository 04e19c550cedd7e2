using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>PINGREQ (section 3.12) and PINGRESP (section 3.13).</summary>
internal static class PingCases
{
    public static IEnumerable<CodecCase> All
    {
        get
        {
            foreach (var version in Versions)
            {
                yield return Reads("PINGREQ", version, FromClient, "C0 00", "PINGREQ");
                yield return Reads("PINGREQ read by a tool", version, FromEither, "C0 00", "PINGREQ");
                yield return Reads("PINGRESP", version, FromServer, "D0 00", "PINGRESP");
                yield return Reads("PINGRESP read by a tool", version, FromEither, "D0 00", "PINGRESP");
                yield return Refuses("PINGREQ with a body", version, FromClient, "C0 01 00", Malformed);
                yield return Refuses("PINGRESP with a body", version, FromServer, "D0 02 0001", Malformed);
            }
        }
    }
}
