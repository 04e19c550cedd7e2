namespace Mqtt.Client.Sqlite;

/// <summary>
/// The files that this process has open. They are told apart here before anybody touches them: on Unix a process that opens and closes a file once more loses
/// the locks that it has on it.
/// </summary>
internal static class OpenFiles
{
    private static readonly Lock Gate = new();
    private static readonly HashSet<string> Paths = [];

    /// <summary>Counts a file in; returns by what it is counted out.</summary>
    /// <exception cref="MqttStoreException">It is open.</exception>
    public static string Begin(string path)
    {
        var place = File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path;
        lock (Gate)
        {
            if (!Paths.Add(place))
                throw new MqttStoreException($"The queue in {path} is open already, in this process: one client at a time has it.");
        }

        return place;
    }

    public static void End(string place)
    {
        lock (Gate)
            Paths.Remove(place);
    }
}
