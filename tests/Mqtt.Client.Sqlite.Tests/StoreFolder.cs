namespace Mqtt.Client.Sqlite.Tests;

/// <summary>A folder for a test, gone with it.</summary>
public sealed class StoreFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mqtt-queue-");

    /// <summary>A file in it, which does not exist yet.</summary>
    public string File => Path("queue.db");

    public string Path(string name) => System.IO.Path.Combine(folder.FullName, name);

    public void Dispose() => folder.Delete(recursive: true);
}
