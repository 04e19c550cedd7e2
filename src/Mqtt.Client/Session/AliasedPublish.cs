using System.Buffers.Binary;

namespace Mqtt.Client;

/// <summary>
/// Puts a topic alias into an encoded PUBLISH (section 3.3.2.3.4). Wire: first byte, remaining length; topic, packet identifier (QoS 1 and 2), property length,
/// the alias before all other properties; payload.
/// </summary>
internal static class AliasedPublish
{
    /// <summary>How much a packet may grow: the alias, and one byte in each of the two lengths.</summary>
    public const int MostExtraBytes = AliasBytes + 2;

    private const int AliasBytes = 3;
    private const byte QoSBits = 0x06;

    /// <summary>Writes the packet with the alias; returns its size.</summary>
    /// <param name="output">Room for the packet and <see cref="MostExtraBytes"/>.</param>
    /// <param name="frame">The packet, of 5.0 and with its topic.</param>
    /// <param name="alias">The alias.</param>
    /// <param name="withTopic">Keep the topic: the alias is set by this packet.</param>
    public static int Write(Span<byte> output, ReadOnlySpan<byte> frame, ushort alias, bool withTopic)
    {
        var body = frame[(1 + VariableByteInteger.Read(frame[1..], out _))..];
        var topic = body.Slice(2, BinaryPrimitives.ReadUInt16BigEndian(body));
        var packetId = body.Slice(2 + topic.Length, (frame[0] & QoSBits) == 0 ? 0 : 2);
        body = body[(2 + topic.Length + packetId.Length)..];
        var rest = body[VariableByteInteger.Read(body, out var propertyBytes)..];
        if (!withTopic)
            topic = default;

        propertyBytes += AliasBytes;
        output[0] = frame[0];
        var at = 1 + VariableByteInteger.Write(
            output[1..], (uint)(2 + topic.Length + packetId.Length + VariableByteInteger.Measure(propertyBytes) + AliasBytes + rest.Length));
        BinaryPrimitives.WriteUInt16BigEndian(output[at..], (ushort)topic.Length);
        topic.CopyTo(output[(at + 2)..]);
        at += 2 + topic.Length;
        packetId.CopyTo(output[at..]);
        at += packetId.Length;
        at += VariableByteInteger.Write(output[at..], propertyBytes);
        output[at] = (byte)PropertyId.TopicAlias;
        BinaryPrimitives.WriteUInt16BigEndian(output[(at + 1)..], alias);
        at += AliasBytes;
        rest.CopyTo(output[at..]);
        return at + rest.Length;
    }
}
