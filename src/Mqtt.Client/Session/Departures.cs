using System.Diagnostics.CodeAnalysis;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Client;

/// <summary>Packets that may leave, on the present connection and in this order, once the store has what they depend on. The session's lock guards it.</summary>
internal sealed class Departures
{
    private readonly Queue<Departure> waiting = new();

    public void Add(in Departure departure) => waiting.Enqueue(departure);

    /// <summary>The next one, if everything up to this position is safe.</summary>
    public bool TryPeek(long safe, [NotNullWhen(true)] out Departure? next)
    {
        next = waiting.TryPeek(out var first) && first.SafeAt <= safe ? first : null;
        return next is not null;
    }

    public void Remove() => waiting.Dequeue();

    /// <summary>The connection is gone: nothing more leaves on it.</summary>
    /// <returns>What was to leave, in its order.</returns>
    public Departure[] Clear()
    {
        Departure[] all = [.. waiting];
        waiting.Clear();
        return all;
    }

    /// <summary>A packet that waits for the store.</summary>
    /// <param name="Message">The message.</param>
    /// <param name="PacketId">Its packet identifier; 0 at QoS 0.</param>
    /// <param name="State">What the server is to answer: PUBREL leaves if it is PUBCOMP, else PUBLISH.</param>
    /// <param name="SafeAt">The position that must be safe.</param>
    internal readonly record struct Departure(OutgoingPublish Message, ushort PacketId, FlightState State, long SafeAt);
}
