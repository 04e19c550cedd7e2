namespace Mqtt.Server.Broker.Storage;

/// <summary>Keeps sessions. See <see cref="IBrokerStore"/> for what a position is.</summary>
public interface ISessionStore
{
    /// <summary>Adds a session, or replaces what is known of it; its subscriptions and messages stay.</summary>
    long Save(SessionRecord session);

    /// <summary>Deletes a session with everything that belongs to it: subscriptions, messages, received identifiers. Nothing happens if there is none.</summary>
    long Delete(string clientId);

    /// <summary>Adds a QoS 2 identifier that the session received and has not released. One that is there stays; the position is a new one all the same.</summary>
    long AddArrival(string clientId, ushort packetId);

    /// <summary>Takes such an identifier out.</summary>
    long RemoveArrival(string clientId, ushort packetId);

    /// <summary>All sessions that are kept, with the identifiers they received.</summary>
    IEnumerable<(SessionRecord Session, IReadOnlyList<ushort> Arrivals)> Load();
}
