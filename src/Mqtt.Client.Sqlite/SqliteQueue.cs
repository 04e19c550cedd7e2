namespace Mqtt.Client.Sqlite;

/// <summary>An open queue: hands everything over to the thread that owns the file, so that nobody else ever waits for the disk on a thread of his own.</summary>
internal sealed class SqliteQueue(QueueFile file, StoreThread thread) : IMqttStoredQueue
{
    public ValueTask<IReadOnlyList<MqttStoredPublish>> ReadAsync(CancellationToken cancellationToken = default) => new(thread.RunAsync(file.Read));

    public ValueTask WriteAsync(IReadOnlyList<MqttPublishChange> changes) => new(thread.RunAsync(() => file.Write(changes)));

    public async ValueTask DisposeAsync()
    {
        try
        {
            await thread.RunAsync(file.Dispose).ConfigureAwait(false);
        }
        finally
        {
            await thread.DisposeAsync().ConfigureAwait(false);
        }
    }
}
