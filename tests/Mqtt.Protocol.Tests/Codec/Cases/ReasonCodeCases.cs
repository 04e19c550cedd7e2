using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>Every reason code of table 2-6, and some that do not exist, in every packet and from both sides.</summary>
internal static class ReasonCodeCases
{
    // The tables of sections 3.2.2.2, 3.4.2.1 to 3.7.2.1, 3.9.3, 3.11.3, 3.14.2.1 and 3.15.2.1.
    private static readonly (string Packet, MqttSender Sender, string Wire, string Codes, string Number)[] Rows =
    [
        ("CONNACK", FromServer, "20 { 00 XX {} }", "00 80 81 82 83 84 85 86 87 88 89 8A 8C 90 95 97 99 9A 9B 9C 9D 9F", "3.2.2-8"),
        ("PUBACK", FromClient, "40 { 0001 XX }", "00 80 83 87 90 91 97 99", "3.4.2-1"),
        ("PUBACK", FromServer, "40 { 0001 XX }", "00 10 80 83 87 90 91 97 99", "3.4.2-1"),
        ("PUBREC", FromClient, "50 { 0001 XX }", "00 80 83 87 90 91 97 99", "3.5.2-1"),
        ("PUBREC", FromServer, "50 { 0001 XX }", "00 10 80 83 87 90 91 97 99", "3.5.2-1"),
        ("PUBREL", FromClient, "62 { 0001 XX }", "00 92", "3.6.2-1"),
        ("PUBREL", FromServer, "62 { 0001 XX }", "00 92", "3.6.2-1"),
        ("PUBCOMP", FromClient, "70 { 0001 XX }", "00 92", "3.7.2-1"),
        ("PUBCOMP", FromServer, "70 { 0001 XX }", "00 92", "3.7.2-1"),
        ("SUBACK", FromServer, "90 { 0001 {} XX }", "00 01 02 80 83 87 8F 91 97 9E A1 A2", "3.9.3-2"),
        ("UNSUBACK", FromServer, "B0 { 0001 {} XX }", "00 11 80 83 87 8F 91", "3.11.3-2"),
        ("DISCONNECT", FromClient, "E0 { XX }", "00 04 80 81 82 83 8C 90 93 94 95 96 97 98 99", "3.14.2-1"),
        ("DISCONNECT", FromServer, "E0 { XX }", "00 80 81 82 83 87 89 8B 8C 8D 8E 8F 90 93 94 95 96 97 98 99 9A 9B 9C 9D 9E 9F A0 A1 A2", "3.14.2-1"),
        ("AUTH", FromClient, "F0 { XX { 15 s'M' } }", "18 19", "3.15.2-1"),
        ("AUTH", FromServer, "F0 { XX { 15 s'M' } }", "00 18", "3.15.2-1"),
    ];

    private static readonly string[] Known =
    [
        "00", "01", "02", "04", "10", "11", "18", "19", "80", "81", "82", "83", "84", "85", "86", "87", "88", "89", "8A", "8B", "8C", "8D", "8E", "8F",
        "90", "91", "92", "93", "94", "95", "96", "97", "98", "99", "9A", "9B", "9C", "9D", "9E", "9F", "A0", "A1", "A2",
    ];

    private static readonly string[] Unknown = ["03", "05", "0F", "12", "17", "1A", "7F", "A3", "C0", "FF"];

    public static IEnumerable<CodecCase> All
    {
        get
        {
            foreach (var (packet, sender, wire, codes, number) in Rows)
            {
                foreach (var code in Known.Concat(Unknown))
                {
                    var bytes = wire.Replace("XX", code, StringComparison.Ordinal);
                    yield return codes.Split(' ').Contains(code)
                        ? Accepted(packet, sender, bytes, code).V5(number)
                        : Refuses($"{packet} with {code}", Mqtt5, sender, bytes, Forbidden).V5(number);
                }
            }
        }
    }

    private static CodecCase Accepted(string packet, MqttSender sender, string wire, string code)
    {
        var id = packet is "CONNACK" or "DISCONNECT" or "AUTH" ? "" : "1 ";
        var method = packet == "AUTH" ? " {AuthenticationMethod='M'}" : "";
        var accepted = Reads($"{packet} with {code}", Mqtt5, sender, wire, $"{packet} {id}{code}{method}");
        return code != "00" || packet is "CONNACK" or "SUBACK" or "UNSUBACK" or "AUTH"
            ? accepted
            : accepted.WrittenAs(packet switch { "DISCONNECT" => "E0 00", "PUBACK" => "40 02 0001", "PUBREC" => "50 02 0001", "PUBREL" => "62 02 0001", _ => "70 02 0001" });
    }
}
