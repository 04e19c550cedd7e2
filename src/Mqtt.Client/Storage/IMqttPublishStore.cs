namespace Mqtt.Client;

/// <summary>
/// A place where the outgoing queue of a client outlives the program; see <see cref="MqttClientQueue.Store"/>. It says where that is and holds nothing open
/// itself: the client opens the queue when it first connects or enqueues, and closes it when it is disposed.
/// </summary>
public interface IMqttPublishStore
{
    /// <summary>Opens the queue of a client, and makes an empty one if there is none yet. Until it is disposed, nobody else can open it.</summary>
    /// <param name="clientId">Whose queue it is.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="MqttStoreException">
    /// There is something in the place that is no queue of this client: damaged, foreign, of a newer version, another client's; or somebody else has it open. It is left as it is.
    /// </exception>
    ValueTask<IMqttStoredQueue> OpenAsync(string clientId, CancellationToken cancellationToken = default);
}
