using static Mqtt.Protocol.Tests.Codec.Cases.Common;
using static Mqtt.Protocol.Tests.Codec.CodecCase;

namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>Every property in every place: read where table 2-4 lists it, malformed elsewhere, a protocol error if it is there twice.</summary>
internal static class PropertyCases
{
    // Table 2-4 of the standard, with a value for each property and the text that it gives. C and S: only that side may send it there.
    private const string Table = """
        01 | 01         | PayloadFormatIndicator=1          | PUBLISH WILL
        02 | 0000003C   | MessageExpiryInterval=60          | PUBLISH WILL
        03 | s'text'    | ContentType='text'                | PUBLISH WILL
        08 | s're/ply'  | ResponseTopic='re/ply'            | PUBLISH WILL
        09 | [0102]     | CorrelationData='\01\02'          | PUBLISH WILL
        0B | 8001       | SubscriptionIdentifier=128        | PUBLISH-S SUBSCRIBE
        11 | 0000003C   | SessionExpiryInterval=60          | CONNECT CONNACK DISCONNECT-C
        12 | s'id'      | AssignedClientIdentifier='id'     | CONNACK
        13 | 003C       | ServerKeepAlive=60                | CONNACK
        15 | s'M'       | AuthenticationMethod='M'          | CONNECT CONNACK AUTH
        16 | [0102]     | AuthenticationData='\01\02'       | CONNECT CONNACK AUTH
        17 | 01         | RequestProblemInformation=1       | CONNECT
        18 | 0000003C   | WillDelayInterval=60              | WILL
        19 | 01         | RequestResponseInformation=1      | CONNECT
        1A | s'info'    | ResponseInformation='info'        | CONNACK
        1C | s'other'   | ServerReference='other'           | CONNACK DISCONNECT-S
        1F | s'why'     | ReasonString='why'                | CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH
        21 | 0014       | ReceiveMaximum=20                 | CONNECT CONNACK
        22 | 0014       | TopicAliasMaximum=20              | CONNECT CONNACK
        23 | 0014       | TopicAlias=20                     | PUBLISH
        24 | 01         | MaximumQoS=1                      | CONNACK
        25 | 01         | RetainAvailable=1                 | CONNACK
        26 | s'a' s'b'  | UserProperty='a':'b'              | CONNECT WILL CONNACK PUBLISH PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK DISCONNECT AUTH
        27 | 00010000   | MaximumPacketSize=65536           | CONNECT CONNACK
        28 | 01         | WildcardSubscriptionAvailable=1   | CONNACK
        29 | 01         | SubscriptionIdentifierAvailable=1 | CONNACK
        2A | 01         | SharedSubscriptionAvailable=1     | CONNACK
        """;

    // A packet around its properties, and its line.
    private static readonly (string Place, MqttSender Sender, string Before, string After, string Packet)[] Places =
    [
        ("CONNECT", FromClient, "10 { s'MQTT' 05 02 003C", "s'c' }", "CONNECT 5.0 clean keepalive=60 client='c'{0}"),
        ("WILL", FromClient, "10 { s'MQTT' 05 06 003C {} s'c'", "s't' s'w' }", "CONNECT 5.0 clean keepalive=60 client='c' will(q0 't' 'w'{0})"),
        ("CONNACK", FromServer, "20 { 00 00", "}", "CONNACK 00{0}"),
        ("PUBLISH", FromEither, "30 { s't'", "}", "PUBLISH q0 't' ''{0}"),
        ("PUBACK", FromEither, "40 { 0001 00", "}", "PUBACK 1 00{0}"),
        ("PUBREC", FromEither, "50 { 0001 00", "}", "PUBREC 1 00{0}"),
        ("PUBREL", FromEither, "62 { 0001 00", "}", "PUBREL 1 00{0}"),
        ("PUBCOMP", FromEither, "70 { 0001 00", "}", "PUBCOMP 1 00{0}"),
        ("SUBSCRIBE", FromClient, "82 { 0001", "s't' 00 }", "SUBSCRIBE 1 't' q0{0}"),
        ("SUBACK", FromServer, "90 { 0001", "00 }", "SUBACK 1 00{0}"),
        ("UNSUBSCRIBE", FromClient, "A2 { 0001", "s't' }", "UNSUBSCRIBE 1 't'{0}"),
        ("UNSUBACK", FromServer, "B0 { 0001", "00 }", "UNSUBACK 1 00{0}"),
        ("DISCONNECT", FromEither, "E0 { 00", "}", "DISCONNECT 00{0}"),
        ("AUTH", FromEither, "F0 { 18", "}", "AUTH 18{0}"),
    ];

    public static IEnumerable<CodecCase> All => [.. Matrix, .. Extremes, .. Unknown];

    private static IEnumerable<CodecCase> Matrix
    {
        get
        {
            foreach (var line in Table.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            {
                var columns = line.Split('|', StringSplitOptions.TrimEntries);
                var property = new Property(columns[0], columns[1], columns[2], columns[3].Split(' '));
                foreach (var place in Places)
                {
                    foreach (var row in At(property, place))
                        yield return row;
                }
            }
        }
    }

    private static IEnumerable<CodecCase> At(Property property, (string Place, MqttSender Sender, string Before, string After, string Packet) place)
    {
        var name = property.Text.Split('=')[0];
        var listed = property.Places.FirstOrDefault(listed => listed.Split('-')[0] == place.Place);

        // AUTH always names its method, and authentication data wants one.
        var needsMethod = property.Id != "15" && (place.Place == "AUTH" || (property.Id == "16" && listed is not null));
        var (method, methodText) = needsMethod ? ("15 s'M'", "AuthenticationMethod='M' ") : ("", "");
        string Wire(string properties) => $"{place.Before} {{ {method} {properties} }} {place.After}";
        var once = $"{property.Id} {property.Value}";

        if (listed is null)
        {
            yield return Refuses($"{name} in {place.Place}", Mqtt5, place.Sender, Wire(once), Malformed);
            yield break;
        }

        yield return Reads($"{name} in {place.Place}", Mqtt5, place.Sender, Wire(once), string.Format(null, place.Packet, $" {{{methodText}{property.Text}}}"));
        if (listed.EndsWith("-C", StringComparison.Ordinal))
            yield return Refuses($"{name} in {place.Place} from the wrong side", Mqtt5, FromServer, Wire(once), Forbidden);
        if (listed.EndsWith("-S", StringComparison.Ordinal))
            yield return Refuses($"{name} in {place.Place} from the wrong side", Mqtt5, FromClient, Wire(once), Forbidden);

        var twice = $"{name} twice in {place.Place}";
        if (property.Id == "26" || (property.Id == "0B" && place.Place == "PUBLISH"))
            yield return Reads(twice, Mqtt5, place.Sender, Wire($"{once} {once}"), string.Format(null, place.Packet, $" {{{methodText}{property.Text} {property.Text}}}"));
        else
            yield return Refuses(twice, Mqtt5, place.Sender, Wire($"{once} {once}"), Forbidden);
    }

    // The smallest and the largest value of every number.
    private static IEnumerable<CodecCase> Extremes
    {
        get
        {
            (string Property, string Place, string Least, string Most)[] rows =
            [
                ("01 PayloadFormatIndicator", "PUBLISH", "00", "01"), ("01 PayloadFormatIndicator", "WILL", "00", "01"),
                ("02 MessageExpiryInterval", "PUBLISH", "00000000", "FFFFFFFF"), ("02 MessageExpiryInterval", "WILL", "00000000", "FFFFFFFF"),
                ("11 SessionExpiryInterval", "CONNECT", "00000000", "FFFFFFFF"), ("11 SessionExpiryInterval", "CONNACK", "00000000", "FFFFFFFF"),
                ("11 SessionExpiryInterval", "DISCONNECT", "00000000", "FFFFFFFF"), ("13 ServerKeepAlive", "CONNACK", "0000", "FFFF"),
                ("17 RequestProblemInformation", "CONNECT", "00", "01"), ("18 WillDelayInterval", "WILL", "00000000", "FFFFFFFF"),
                ("19 RequestResponseInformation", "CONNECT", "00", "01"), ("21 ReceiveMaximum", "CONNECT", "0001", "FFFF"),
                ("21 ReceiveMaximum", "CONNACK", "0001", "FFFF"), ("22 TopicAliasMaximum", "CONNECT", "0000", "FFFF"),
                ("22 TopicAliasMaximum", "CONNACK", "0000", "FFFF"), ("23 TopicAlias", "PUBLISH", "0001", "FFFF"),
                ("24 MaximumQoS", "CONNACK", "00", "01"), ("25 RetainAvailable", "CONNACK", "00", "01"),
                ("27 MaximumPacketSize", "CONNECT", "00000001", "FFFFFFFF"), ("27 MaximumPacketSize", "CONNACK", "00000001", "FFFFFFFF"),
                ("28 WildcardSubscriptionAvailable", "CONNACK", "00", "01"), ("29 SubscriptionIdentifierAvailable", "CONNACK", "00", "01"),
                ("2A SharedSubscriptionAvailable", "CONNACK", "00", "01"),
            ];
            foreach (var (property, placeName, least, most) in rows)
            {
                var place = Places.Single(place => place.Place == placeName);
                foreach (var value in new[] { least, most })
                {
                    var text = $" {{{property[3..]}={Convert.ToUInt32(value, 16)}}}";
                    yield return Reads($"{property[3..]} {value} in {placeName}", Mqtt5, place.Sender, $"{place.Before} {{ {property[..2]} {value} }} {place.After}", string.Format(null, place.Packet, text));
                }
            }
        }
    }

    private static IEnumerable<CodecCase> Unknown
    {
        get
        {
            foreach (var id in new[] { "00", "04", "0A", "0C", "10", "14", "1B", "1D", "1E", "20", "2B", "7F", "8001", "A601", "FFFFFF7F" })
            {
                yield return Refuses($"property {id}, which does not exist, in PUBLISH", Mqtt5, FromEither, $"30 {{ s't' {{ {id} 00 }} }}", Malformed);
                yield return Refuses($"property {id}, which does not exist, in CONNECT", Mqtt5, FromClient, $"10 {{ s'MQTT' 05 02 003C {{ {id} 00 }} s'c' }}", Malformed);
            }

            yield return Refuses("a property identifier that is not minimal", Mqtt5, FromEither, "30 { s't' { 8100 01 } }", Malformed).V5("1.5.5-1");
            yield return Refuses("a property identifier of five bytes", Mqtt5, FromEither, "30 { s't' { 8080808001 } }", Malformed);
            yield return Refuses("a property identifier without an end", Mqtt5, FromEither, "30 { s't' { 81 } }", Malformed);
            yield return Refuses("a bad property after good ones", Mqtt5, FromEither, "30 { s't' { 01 01 26 s'a' s'b' 7F } }", Malformed);
            yield return Refuses("a property twice with others between", Mqtt5, FromEither, "30 { s't' { 01 01 26 s'a' s'b' 01 01 } }", Forbidden);
        }
    }

    private sealed record Property(string Id, string Value, string Text, string[] Places);
}
