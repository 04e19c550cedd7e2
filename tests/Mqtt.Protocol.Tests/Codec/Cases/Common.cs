namespace Mqtt.Protocol.Tests.Codec.Cases;

/// <summary>What the parts of the table share: short names, and what differs from version to version.</summary>
internal static class Common
{
    public const MqttProtocolVersion Mqtt31 = MqttProtocolVersion.V310;
    public const MqttProtocolVersion Mqtt311 = MqttProtocolVersion.V311;
    public const MqttProtocolVersion Mqtt5 = MqttProtocolVersion.V500;
    public const MqttSender FromClient = MqttSender.Client;
    public const MqttSender FromServer = MqttSender.Server;
    public const MqttSender FromEither = MqttSender.Either;
    public const ReasonCode Malformed = ReasonCode.MalformedPacket;
    public const ReasonCode Forbidden = ReasonCode.ProtocolError;

    public static readonly MqttProtocolVersion[] Versions = [Mqtt31, Mqtt311, Mqtt5];
    public static readonly MqttProtocolVersion[] VersionsBefore5 = [Mqtt31, Mqtt311];
    public static readonly MqttProtocolVersion[] VersionsSince311 = [Mqtt311, Mqtt5];
    public static readonly MqttSender[] Sides = [FromClient, FromServer];

    /// <summary>Protocol name and level.</summary>
    public static string Level(MqttProtocolVersion version) => version switch
    {
        Mqtt31 => "s'MQIsdp' 03",
        Mqtt311 => "s'MQTT' 04",
        _ => "s'MQTT' 05",
    };

    /// <summary>How a packet's line names the version.</summary>
    public static string Number(MqttProtocolVersion version) => version switch { Mqtt31 => "3.1", Mqtt311 => "3.1.1", _ => "5.0" };

    /// <summary>An empty property block where there is one.</summary>
    public static string NoProperties(MqttProtocolVersion version) => version == Mqtt5 ? "{}" : "";
}
