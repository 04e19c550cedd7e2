using Mqtt.Protocol.Delivery;

namespace Mqtt.Server.Broker.Storage;

/// <summary>
/// Keeps what sessions have yet to get, or to acknowledge. An entry is named by its session and a sequence number, which grows within
/// the session. There may be entries of a session that was never saved: one that ends with its connection, and got them for a shared
/// subscription that does not. See <see cref="IBrokerStore"/> for what a position is.
/// </summary>
public interface IMessageStore
{
    /// <summary>Adds a message to the end of a session's queue.</summary>
    /// <param name="clientId">Whose queue.</param>
    /// <param name="sequence">The entry's number, larger than all before it in this session.</param>
    /// <param name="entry">What the copy for this session has of its own.</param>
    /// <param name="message">The message.</param>
    /// <param name="messageId">A number that all copies of one message share while the broker runs: a store may keep its bytes once.</param>
    long Add(string clientId, long sequence, QueueEntry entry, MessageRecord message, long messageId);

    /// <summary>An entry was sent under a packet identifier, or came one step further.</summary>
    long SetState(string clientId, long sequence, ushort packetId, FlightState state);

    /// <summary>An entry is done with. Nothing happens if there is none.</summary>
    long Remove(string clientId, long sequence);

    /// <summary>All entries that are kept, those of one session in the order of their sequence numbers.</summary>
    IEnumerable<StoredEntry> Load();
}
