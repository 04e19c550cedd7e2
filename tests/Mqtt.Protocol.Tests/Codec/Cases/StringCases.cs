using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>UTF-8 Encoded Strings (section 1.5.4), each in a topic name, a filter and a client identifier.</summary>
internal static class StringCases
{
    private static readonly (string Name, string Hex, string Number5, string Number311)[] IllFormed =
    [
        ("an overlong null", "C080", "1.5.4-1", "1.5.3-1"),
        ("an overlong slash", "C0AF", "1.5.4-1", "1.5.3-1"),
        ("an overlong form of three bytes", "E080AF", "1.5.4-1", "1.5.3-1"),
        ("an overlong form of four bytes", "F08080AF", "1.5.4-1", "1.5.3-1"),
        ("a high surrogate", "EDA080", "1.5.4-1", "1.5.3-1"),
        ("a low surrogate", "EDBFBF", "1.5.4-1", "1.5.3-1"),
        ("a pair of surrogates", "EDA081EDB081", "1.5.4-1", "1.5.3-1"),
        ("a code point beyond U+10FFFF", "F4908080", "1.5.4-1", "1.5.3-1"),
        ("five bytes", "F888808080", "1.5.4-1", "1.5.3-1"),
        ("a continuation byte", "80", "1.5.4-1", "1.5.3-1"),
        ("a character that is cut off", "61E282", "1.5.4-1", "1.5.3-1"),
        ("the byte FF", "FF", "1.5.4-1", "1.5.3-1"),
        ("a null", "610062", "1.5.4-2", "1.5.3-2"),
        ("a null after other letters", "C3A400", "1.5.4-2", "1.5.3-2"),
    ];

    private static readonly (string Name, string Hex, string Text)[] Disallowed =
    [
        ("U+0001", "01", "\\01"), ("U+001F", "611F", "a\\1F"), ("U+007F", "7F", "\\7F"), ("U+0080", "C280", "\\C2\\80"), ("U+009F", "C29F", "\\C2\\9F"),
        ("U+FDD0", "EFB790", "\\EF\\B7\\90"), ("U+FDEF", "EFB7AF", "\\EF\\B7\\AF"), ("U+FFFE", "EFBFBE", "\\EF\\BF\\BE"), ("U+FFFF", "EFBFBF", "\\EF\\BF\\BF"),
        ("U+1FFFF", "F09FBFBF", "\\F0\\9F\\BF\\BF"), ("U+10FFFE", "F48FBFBE", "\\F4\\8F\\BF\\BE"),
    ];

    private static readonly (string Name, string Hex, string Text)[] Allowed =
    [
        ("a tilde", "7E", "~"), ("U+00A0", "C2A0", "\\C2\\A0"), ("U+FDF0", "EFB7B0", "\\EF\\B7\\B0"), ("U+FFFD", "EFBFBD", "\\EF\\BF\\BD"),
        ("U+2A6D4", "41F0AA9B94", "A\\F0\\AA\\9B\\94"), ("U+10FFFD", "F48FBFBD", "\\F4\\8F\\BF\\BD"), ("U+D7FF", "ED9FBF", "\\ED\\9F\\BF"), ("U+E000", "EE8080", "\\EE\\80\\80"),
    ];

    public static IEnumerable<CodecCase> All => Versions.SelectMany(OfAll);

    private static IEnumerable<CodecCase> OfAll(MqttProtocolVersion version)
    {
        foreach (var (name, hex, number5, number311) in IllFormed)
        {
            foreach (var (field, wire, _) in Fields(version, hex, ""))
            {
                yield return Refuses($"{field} with {name}", version, FromClient, wire, Malformed).V5(number5).V311(number311);
                yield return Refuses($"{field} with {name}, even if disallowed code points are accepted", version, FromClient, wire, Malformed)
                    .With(reader => reader.AllowDisallowedCodePoints = true).V5(number5).V311(number311);
            }
        }

        foreach (var (name, hex, text) in Disallowed)
        {
            foreach (var (field, wire, packet) in Fields(version, hex, text))
            {
                yield return Refuses($"{field} with {name}", version, FromClient, wire, Malformed);
                yield return Reads($"{field} with {name}, if that is accepted", version, FromClient, wire, packet).With(reader => reader.AllowDisallowedCodePoints = true);
            }
        }

        foreach (var (name, hex, text) in Allowed)
        {
            foreach (var (field, wire, packet) in Fields(version, hex, text))
                yield return Reads($"{field} with {name}", version, FromClient, wire, packet);
        }

        foreach (var (field, wire, packet) in Fields(version, "EFBBBF61EFBBBF", "\\EF\\BB\\BFa\\EF\\BB\\BF"))
            yield return Reads($"{field} with byte order marks, which are kept", version, FromClient, wire, packet).V5("1.5.4-3").V311("1.5.3-3");
    }

    private static IEnumerable<(string Field, string Wire, string Packet)> Fields(MqttProtocolVersion version, string hex, string text)
    {
        var p = NoProperties(version);
        yield return ("topic name", $"30 {{ [{hex}] {p} }}", $"PUBLISH q0 '{text}' ''");
        yield return ("topic filter", $"82 {{ 0001 {p} [{hex}] 00 }}", $"SUBSCRIBE 1 '{text}' q0");
        yield return ("client id", $"10 {{ {Level(version)} 02 003C {p} [{hex}] }}", $"CONNECT {Number(version)} clean keepalive=60 client='{text}'");
        if (version == Mqtt5)
            yield return ("user property", $"30 {{ s'a' {{ 26 s'k' [{hex}] }} }}", $"PUBLISH q0 'a' '' {{UserProperty='k':'{text}'}}");
    }
}
