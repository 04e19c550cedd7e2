using System.Buffers.Binary;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Messages;

/// <summary>
/// Encodes PUBLISH from the parts of a message, in one pass and without an object. Wire: first byte, remaining length; topic,
/// packet identifier (QoS 1 and 2), property length, properties (5.0); payload.
/// </summary>
internal static class PublishFrame
{
    private const int ExpiryBytes = 5;
    private const int AliasBytes = 3;

    /// <summary>The first byte of a PUBLISH.</summary>
    public static byte FirstByte(QualityOfService qualityOfService, bool retain, bool duplicate) =>
        (byte)(((int)MqttPacketType.Publish << 4) | (duplicate ? 8 : 0) | ((int)qualityOfService << 1) | (retain ? 1 : 0));

    /// <summary>The size of the whole packet.</summary>
    public static int Measure(in MessageParts message, bool isV5, QualityOfService qualityOfService, uint? expiry, uint[]? identifiers, ushort alias = 0)
    {
        var remaining = Remaining(message, isV5, qualityOfService, expiry, identifiers, alias, out _);
        return 1 + LengthOfLength(remaining) + remaining;
    }

    /// <summary>Writes the packet into exactly the bytes that <see cref="Measure"/> named; returns where the packet identifier stands.</summary>
    public static int Write(Span<byte> output, in MessageParts message, bool isV5, QualityOfService qualityOfService, byte firstByte, ushort packetId, uint? expiry, uint[]? identifiers, ushort alias = 0)
    {
        var remaining = Remaining(message, isV5, qualityOfService, expiry, identifiers, alias, out var propertyBytes);
        output[0] = firstByte;
        var at = 1 + WriteLength(output[1..], remaining);
        BinaryPrimitives.WriteUInt16BigEndian(output[at..], (ushort)message.Topic.Length);
        message.Topic.Span.CopyTo(output[(at + 2)..]);
        at += 2 + message.Topic.Length;
        var idAt = at;
        if (qualityOfService != QualityOfService.AtMostOnce)
        {
            BinaryPrimitives.WriteUInt16BigEndian(output[at..], packetId);
            at += 2;
        }

        if (isV5)
            at += WriteProperties(output[at..], message.Properties.Span, propertyBytes, expiry, identifiers, alias);
        message.Payload.Span.CopyTo(output[at..]);
        return idAt;
    }

    private static int WriteProperties(Span<byte> output, ReadOnlySpan<byte> properties, int propertyBytes, uint? expiry, uint[]? identifiers, ushort alias)
    {
        var at = WriteLength(output, propertyBytes);
        if (expiry is { } seconds)
        {
            output[at] = (byte)PropertyId.MessageExpiryInterval;
            BinaryPrimitives.WriteUInt32BigEndian(output[(at + 1)..], seconds);
            at += ExpiryBytes;
        }

        if (alias != 0)
        {
            output[at] = (byte)PropertyId.TopicAlias;
            BinaryPrimitives.WriteUInt16BigEndian(output[(at + 1)..], alias);
            at += AliasBytes;
        }

        foreach (var identifier in identifiers ?? [])
        {
            output[at] = (byte)PropertyId.SubscriptionIdentifier;
            at += 1 + WriteLength(output[(at + 1)..], (int)identifier);
        }

        properties.CopyTo(output[at..]);
        return at + properties.Length;
    }

    private static int Remaining(in MessageParts message, bool isV5, QualityOfService qualityOfService, uint? expiry, uint[]? identifiers, ushort alias, out int propertyBytes)
    {
        var remaining = 2 + message.Topic.Length + message.Payload.Length + (qualityOfService == QualityOfService.AtMostOnce ? 0 : 2);
        propertyBytes = 0;
        if (!isV5)
            return remaining;
        propertyBytes = message.Properties.Length + (expiry is null ? 0 : ExpiryBytes) + (alias == 0 ? 0 : AliasBytes);
        foreach (var identifier in identifiers ?? [])
            propertyBytes += 1 + LengthOfLength((int)identifier);
        return remaining + LengthOfLength(propertyBytes) + propertyBytes;
    }

    private static int LengthOfLength(int value) => value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : 4;

    private static int WriteLength(Span<byte> output, int value)
    {
        var at = 0;
        for (; value >= 0x80; value >>= 7)
            output[at++] = (byte)(value | 0x80);
        output[at++] = (byte)value;
        return at;
    }
}
