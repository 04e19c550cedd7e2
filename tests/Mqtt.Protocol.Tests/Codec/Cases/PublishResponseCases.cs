using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>PUBACK, PUBREC, PUBREL and PUBCOMP (sections 3.4 to 3.7).</summary>
internal static class PublishResponseCases
{
    private static readonly (string Name, string First, string Failure)[] Kinds =
        [("PUBACK", "40", "97"), ("PUBREC", "50", "97"), ("PUBREL", "62", "92"), ("PUBCOMP", "70", "92")];

    public static IEnumerable<CodecCase> All
    {
        get
        {
            foreach (var (name, first, failure) in Kinds)
            {
                foreach (var version in Versions)
                {
                    foreach (var sender in Sides)
                        yield return Reads(name, version, sender, $"{first} 02 0001", $"{name} 1 00");
                    yield return Reads($"{name} with the last packet id", version, FromEither, $"{first} 02 FFFF", $"{name} 65535 00");
                    yield return Refuses($"{name} with packet id 0", version, FromEither, $"{first} 02 0000", Forbidden);
                    yield return Refuses($"{name} without anything", version, FromEither, $"{first} 00", Malformed);
                    yield return Refuses($"{name} with half a packet id", version, FromEither, $"{first} 01 00", Malformed);
                }

                foreach (var version in VersionsBefore5)
                {
                    yield return Refuses($"{name} with a byte too many", version, FromEither, $"{first} 03 0001 00", Malformed);
                    yield return Refuses($"{name} with properties", version, FromEither, $"{first} 04 0001 00 00", Malformed);
                }

                foreach (var row in Of5(name, first, failure))
                    yield return row;
            }

            // 3.1 sets DUP when it sends PUBREL again.
            yield return Reads("PUBREL once more", Mqtt31, FromClient, "6A 02 0001", "PUBREL 1 00").WrittenAs("62 02 0001");
        }
    }

    private static IEnumerable<CodecCase> Of5(string name, string first, string failure)
    {
        const MqttProtocolVersion Version = Mqtt5;
        yield return Reads($"{name} with success in one byte", Version, FromEither, $"{first} 03 0001 00", $"{name} 1 00").WrittenAs($"{first} 02 0001");
        yield return Reads($"{name} with success and no properties", Version, FromEither, $"{first} 04 0001 00 00", $"{name} 1 00").WrittenAs($"{first} 02 0001");
        yield return Reads($"{name} with a failure and no property length", Version, FromEither, $"{first} 03 0001 {failure}", $"{name} 1 {failure}");
        yield return Reads($"{name} with a failure and no properties", Version, FromEither, $"{first} 04 0001 {failure} 00", $"{name} 1 {failure}").WrittenAs($"{first} 03 0001 {failure}");
        yield return Reads($"{name} with success and properties", Version, FromEither, $"{first} {{ 0001 00 {{ 26 s'a' s'b' }} }}", $"{name} 1 00 {{UserProperty='a':'b'}}");
        yield return Reads($"{name} with every property", Version, FromEither, $"{first} {{ 0001 {failure} {{ 1F s'why' 26 s'a' s'b' 26 s'a' s'b' }} }}",
            $"{name} 1 {failure} {{ReasonString='why' UserProperty='a':'b' UserProperty='a':'b'}}");
        yield return Refuses($"{name} with a byte too many", Version, FromEither, $"{first} {{ 0001 00 {{}} 00 }}", Malformed);
        yield return Refuses($"{name} with more properties than bytes", Version, FromEither, $"{first} {{ 0001 00 05 26 }}", Malformed);
        yield return Refuses($"{name} with a property length that is not minimal", Version, FromEither, $"{first} {{ 0001 00 8000 }}", Malformed).V5("1.5.5-1");
        yield return Refuses($"{name} with a reason string that is no UTF-8", Version, FromEither, $"{first} {{ 0001 00 {{ 1F [FF] }} }}", Malformed);
    }
}
