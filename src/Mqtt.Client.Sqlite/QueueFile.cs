using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using Mqtt.Protocol.Delivery;
using SQLitePCL;

namespace Mqtt.Client.Sqlite;

/// <summary>
/// The file of a queue, open. The <see cref="StoreThread"/> alone uses it: there is one connection, which reads, writes and does every checkpoint.
/// <para>
/// Messages stand in a table in the order in which they came, and never change there; what changes, the state of those in flight, stands in a narrow table beside it.
/// </para>
/// </summary>
internal sealed class QueueFile : IDisposable
{
    private const string Schema = """
        CREATE TABLE owner (client_id TEXT NOT NULL);
        CREATE TABLE message (number INTEGER PRIMARY KEY, expires INTEGER, version INTEGER NOT NULL, packet BLOB NOT NULL);
        CREATE TABLE flight (number INTEGER PRIMARY KEY, state INTEGER NOT NULL, packet_id INTEGER NOT NULL, place INTEGER NOT NULL);
        """;

    // A checkpoint, which blocks a write, comes once in 16 MiB.
    private const int CheckpointPages = 4000;
    private const int CacheKiB = 8192;

    private readonly string path;
    private readonly string place;
    private readonly SqliteConnection connection;
    private readonly SqliteCommand begin;
    private readonly SqliteCommand commit;
    private readonly SqliteCommand addMessage;
    private readonly SqliteCommand setFlight;
    private readonly SqliteCommand removeFlight;
    private readonly SqliteCommand removeMessage;

    private QueueFile(string path, string place, SqliteConnection connection)
    {
        this.path = path;
        this.place = place;
        this.connection = connection;
        begin = Command("BEGIN IMMEDIATE");
        commit = Command("COMMIT");
        addMessage = Command("INSERT OR REPLACE INTO message (number, expires, version, packet) VALUES ($number, $expires, $version, $packet)", "$number", "$expires", "$version", "$packet");
        setFlight = Command(
            "INSERT OR REPLACE INTO flight (number, state, packet_id, place) SELECT number, $state, $packet_id, $place FROM message WHERE number = $number",
            "$number", "$state", "$packet_id", "$place");
        removeFlight = Command("DELETE FROM flight WHERE number = $number", "$number");
        removeMessage = Command("DELETE FROM message WHERE number = $number", "$number");
    }

    /// <summary>Opens the file, and makes it if there is none. What is no queue of this client is left as it is.</summary>
    /// <exception cref="MqttStoreException">The file cannot be used; the message says why.</exception>
    public static QueueFile Open(MqttSqliteStore store, string clientId)
    {
        SqliteEngine.Find();
        var place = OpenFiles.Begin(store.Path);
        try
        {
            FileHeader.Check(store.Path);
            return OpenChecked(store, clientId, place);
        }
        catch
        {
            OpenFiles.End(place);
            throw;
        }
    }

    /// <summary>All messages, in the order of their numbers.</summary>
    public IReadOnlyList<MqttStoredPublish> Read()
    {
        try
        {
            return ReadAll();
        }
        catch (SqliteException error)
        {
            throw StoreErrors.Translate(error, path);
        }
    }

    /// <summary>Makes the changes, all or none.</summary>
    public void Write(IReadOnlyList<MqttPublishChange> changes)
    {
        try
        {
            begin.ExecuteNonQuery();
            foreach (var change in changes)
                Make(change);
            commit.ExecuteNonQuery();
        }
        catch (SqliteException error)
        {
            RollBack();
            throw StoreErrors.Translate(error, path);
        }
        catch
        {
            RollBack();
            throw;
        }
    }

    /// <summary>What the engine answers to a question, for tests.</summary>
    internal string? Ask(string text) => Text(connection, text);

    public void Dispose()
    {
        foreach (var command in (SqliteCommand[])[begin, commit, addMessage, setFlight, removeFlight, removeMessage])
            command.Dispose();
        connection.Dispose();
        OpenFiles.End(place);
    }

    private static QueueFile OpenChecked(MqttSqliteStore store, string clientId, string place)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = store.Path, Pooling = false }.ToString()) { DefaultTimeout = 1 };
        try
        {
            connection.Open();
            Lock(connection);
            Prepare(connection, store, clientId);
            return new QueueFile(store.Path, place, connection);
        }
        catch (SqliteException error)
        {
            connection.Dispose();
            throw StoreErrors.Translate(error, store.Path);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    // Nobody else may even read the file: who opens it, in this process or another, is told so.
    private static void Lock(SqliteConnection connection)
    {
        Execute(connection, "PRAGMA locking_mode = EXCLUSIVE");
        Execute(connection, "BEGIN EXCLUSIVE");
        Execute(connection, "COMMIT");
    }

    private static void Prepare(SqliteConnection connection, MqttSqliteStore store, string clientId)
    {
        if (Text(connection, "SELECT count(*) FROM sqlite_master") == "0")
            Create(connection, clientId);
        if (Text(connection, "PRAGMA quick_check(1)") is not "ok" and var damage)
            throw new MqttStoreException($"The queue in {store.Path} is damaged, and was left as it is: {damage}");
        if (Text(connection, "SELECT client_id FROM owner") is var owner && owner != clientId)
            throw new MqttStoreException($"The queue in {store.Path} is that of the client '{owner}', not of '{clientId}'; it was left as it is.");

        // An older format would be brought up to date here.
        Execute(connection, "PRAGMA journal_mode = WAL");
        Execute(connection, $"PRAGMA synchronous = {(store.SurvivesPowerLoss ? "FULL" : "NORMAL")}");
        Execute(connection, $"PRAGMA wal_autocheckpoint = {CheckpointPages}");
        Execute(connection, $"PRAGMA cache_size = -{CacheKiB}");
        if (store.MaximumPageCount is { } pages)
            Execute(connection, $"PRAGMA max_page_count = {pages}");
    }

    // Before there is a write-ahead log: so the file itself says from its first byte on whose it is.
    private static void Create(SqliteConnection connection, string clientId)
    {
        Execute(connection, "BEGIN IMMEDIATE");
        Execute(connection, $"PRAGMA application_id = {FileHeader.ApplicationId}");
        Execute(connection, $"PRAGMA user_version = {FileHeader.Format}");
        Execute(connection, Schema);
        using var insert = connection.CreateCommand();
        insert.CommandText = "INSERT INTO owner (client_id) VALUES ($client_id)";
        insert.Parameters.AddWithValue("$client_id", clientId);
        insert.ExecuteNonQuery();
        Execute(connection, "COMMIT");
    }

    private static void Execute(SqliteConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }

    private static string? Text(SqliteConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        return Convert.ToString(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    private SqliteCommand Command(string text, params string[] parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = text;
        foreach (var name in parameters)
            command.Parameters.Add(new SqliteParameter(name, null));
        return command;
    }

    private List<MqttStoredPublish> ReadAll()
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT m.number, m.expires, m.version, m.packet, f.state, f.packet_id, f.place FROM message m LEFT JOIN flight f ON f.number = m.number ORDER BY m.number";
        using var rows = command.ExecuteReader();
        var all = new List<MqttStoredPublish>();
        while (rows.Read())
        {
            var isInFlight = !rows.IsDBNull(4);
            all.Add(new()
            {
                Number = rows.GetInt64(0),
                Expires = rows.IsDBNull(1) ? null : DateTimeOffset.UnixEpoch.AddTicks(rows.GetInt64(1)),
                Version = (MqttProtocolVersion)rows.GetInt64(2),
                Packet = rows.GetFieldValue<byte[]>(3),
                State = isInFlight ? (FlightState)rows.GetInt64(4) : FlightState.None,
                PacketId = isInFlight ? (ushort)rows.GetInt64(5) : (ushort)0,
                Order = isInFlight ? rows.GetInt64(6) : 0,
            });
        }

        return all;
    }

    private void Make(in MqttPublishChange change)
    {
        var message = change.Message;
        switch (change.Kind)
        {
            case MqttPublishChangeKind.Add:
                Run(addMessage, message.Number, (message.Expires - DateTimeOffset.UnixEpoch)?.Ticks, (long)message.Version, ArrayOf(message.Packet));
                SetState(message);
                break;
            case MqttPublishChangeKind.SetState:
                SetState(message);
                break;
            case MqttPublishChangeKind.Remove:
                Run(removeFlight, message.Number);
                Run(removeMessage, message.Number);
                break;
            default:
                throw new ArgumentException($"There is no change {change.Kind}.", nameof(change));
        }
    }

    private void SetState(in MqttStoredPublish message)
    {
        if (message.State == FlightState.None)
            Run(removeFlight, message.Number);
        else
            Run(setFlight, message.Number, (long)message.State, (long)message.PacketId, message.Order);
    }

    private static void Run(SqliteCommand command, params ReadOnlySpan<object?> values)
    {
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        command.ExecuteNonQuery();
    }

    // Without a copy where the packet has an array of its own, as the client's have.
    private static byte[] ArrayOf(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var segment) && segment.Array!.Length == bytes.Length ? segment.Array : bytes.ToArray();

    // Some errors have rolled back already.
    private void RollBack()
    {
        if (raw.sqlite3_get_autocommit(connection.Handle) != 0)
            return;
        try
        {
            Execute(connection, "ROLLBACK");
        }
        catch (SqliteException)
        {
            // The error that made it necessary says more; the next write begins with an error of its own, if need be.
        }
    }
}
