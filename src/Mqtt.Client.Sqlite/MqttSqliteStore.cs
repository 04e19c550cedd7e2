namespace Mqtt.Client.Sqlite;

/// <summary>
/// The outgoing queue of a client in a SQLite file; see <see cref="MqttClientQueue.Store"/>. One file holds the queue of one client, and one client at a time has it open.
/// <code>
/// new MqttClientOptions { ClientId = "meter-7", Queue = new() { Store = new MqttSqliteStore("/var/lib/meter/queue.db") } }
/// </code>
/// <para>
/// Everything that is published at about the same time shares a commit. Beside the file stands another with the suffix <c>-wal</c> while it is open, and after a crash; they belong together.
/// The file keeps the size that it once had; the room is used again.
/// </para>
/// <para>
/// The native engine is that of a bundle of SQLitePCLRaw, if the program refers to one, else the system's library.
/// </para>
/// </summary>
/// <param name="path">The file; it is made if there is none, its directory is not.</param>
public sealed class MqttSqliteStore(string path) : IMqttPublishStore
{
    /// <summary>The file.</summary>
    public string Path { get; } = string.IsNullOrEmpty(path) ? throw new ArgumentException("A store has a file.", nameof(path)) : System.IO.Path.GetFullPath(path);

    /// <summary>
    /// Each commit waits until the disk has it. Without that a commit is several times cheaper; what was taken in still survives the end of the process at any moment, but the last
    /// commits may be missing after the machine has lost its power. Default: true.
    /// </summary>
    public bool SurvivesPowerLoss { get; init; } = true;

    /// <summary>How many pages of 4 KiB the file has at most, for tests of a full disk. Default: as many as fit on the disk.</summary>
    internal int? MaximumPageCount { get; init; }

    /// <inheritdoc/>
    public async ValueTask<IMqttStoredQueue> OpenAsync(string clientId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(clientId);
        cancellationToken.ThrowIfCancellationRequested();
        var thread = new StoreThread($"MQTT queue {System.IO.Path.GetFileName(Path)}");
        try
        {
            return new SqliteQueue(await thread.RunAsync(() => QueueFile.Open(this, clientId)).ConfigureAwait(false), thread);
        }
        catch
        {
            await thread.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }
}
