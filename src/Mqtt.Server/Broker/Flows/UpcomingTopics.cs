using System.Buffers.Binary;
using Mqtt.Protocol;
using Mqtt.Server.Broker.Routing;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Finds the topics of messages that have arrived and are not handled yet.</summary>
internal static class UpcomingTopics
{
    // What stands before a topic and says how long it is.
    private const int LengthBytes = 2;

    /// <summary>Goes through whole packets, as many as there are places for topics, and stops at what is no packet: to say what is wrong is the codec's part.</summary>
    /// <param name="unread">What has arrived, from the beginning of a packet on.</param>
    /// <param name="places">Where the topics stand in it.</param>
    /// <param name="count">How many topics there are.</param>
    /// <returns>How many packets it has gone through.</returns>
    public static int Find(ReadOnlySpan<byte> unread, Span<TopicPlace> places, out int count)
    {
        count = 0;
        var at = 0;
        for (var packets = 0; ; packets++)
        {
            if (packets == places.Length || at >= unread.Length)
                return packets;
            var length = VariableByteInteger.Read(unread[(at + 1)..], out var remaining);
            var body = at + 1 + length;
            if (length <= 0 || remaining > unread.Length - body)
                return packets;
            if (unread[at] >> 4 == (int)MqttPacketType.Publish && remaining > LengthBytes)
            {
                // One without a topic has an alias for it.
                var topic = BinaryPrimitives.ReadUInt16BigEndian(unread[body..]);
                if (topic > 0 && topic <= remaining - LengthBytes)
                    places[count++] = new(body + LengthBytes, topic);
            }

            at = body + (int)remaining;
        }
    }
}
