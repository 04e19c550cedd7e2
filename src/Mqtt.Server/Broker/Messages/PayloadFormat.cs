using System.Text.Unicode;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Messages;

/// <summary>Checks whether a payload is what its Payload Format Indicator says (section 3.3.2.3.2).</summary>
internal static class PayloadFormat
{
    /// <summary>False if the payload is said to be text and is not UTF-8.</summary>
    public static bool IsValid(MqttProperties properties, ReadOnlySpan<byte> payload) =>
        properties.IsEmpty || properties.GetNumber(PropertyId.PayloadFormatIndicator) is null or 0 || Utf8.IsValid(payload);
}
