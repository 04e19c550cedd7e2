using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Mqtt.Client.Sqlite;

/// <summary>Says what an error of SQLite means for a queue.</summary>
internal static class StoreErrors
{
    public static MqttStoreException Translate(SqliteException error, string path) => new(MeaningOf(error, path), error);

    private static string MeaningOf(SqliteException error, string path) => error.SqliteErrorCode switch
    {
        raw.SQLITE_BUSY or raw.SQLITE_LOCKED => $"The queue in {path} is open already, in this process or another: one client at a time has it.",
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB => $"The queue in {path} is damaged, and was left as it is: {error.Message}",
        raw.SQLITE_FULL => $"There is no room for more in {path}: the disk is full.",
        raw.SQLITE_CANTOPEN => $"{path} cannot be opened: is there such a directory, and may this user write there?",
        raw.SQLITE_READONLY or raw.SQLITE_PERM => $"{path} may not be written to.",
        _ => $"The queue in {path} failed: {error.Message}",
    };
}
