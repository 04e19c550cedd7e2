namespace Mqtt.Server.Broker.Storage;

/// <summary>Keeps the retained message of each topic. See <see cref="IBrokerStore"/> for what a position is.</summary>
public interface IRetainedStore
{
    /// <summary>Keeps a message in place of its topic's last one.</summary>
    long Save(MessageRecord message);

    /// <summary>Forgets a topic's message. Nothing happens if there is none.</summary>
    long Delete(ReadOnlyMemory<byte> topic);

    /// <summary>All retained messages.</summary>
    IEnumerable<MessageRecord> Load();
}
