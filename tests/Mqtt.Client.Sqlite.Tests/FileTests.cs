using Microsoft.Data.Sqlite;

namespace Mqtt.Client.Sqlite.Tests;

/// <summary>What is no queue, or somebody else's, is told clearly and stays as it is.</summary>
public sealed class FileTests : IDisposable
{
    private readonly StoreFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("no database at all", "*no SQLite file*")]
    [InlineData("SQLite format 3\0 and then nothing", "*no SQLite file*")]
    public async Task A_file_that_is_none_of_SQLite_is_left_as_it_is(string content, string message)
    {
        await File.WriteAllTextAsync(folder.File, content);

        await RefusedAsync(message);
        (await File.ReadAllTextAsync(folder.File)).Should().Be(content);
    }

    [Fact]
    public async Task A_database_of_somebody_else_is_left_as_it_is()
    {
        await RunAsync("CREATE TABLE message (number INTEGER PRIMARY KEY)");
        var before = await File.ReadAllBytesAsync(folder.File);

        await RefusedAsync("*no queue of an MQTT client*");
        (await File.ReadAllBytesAsync(folder.File)).Should().Equal(before);
    }

    [Fact]
    public async Task A_queue_of_a_newer_format_is_left_as_it_is()
    {
        await FillAsync(1);
        await RunAsync("PRAGMA user_version = 2");
        var before = await File.ReadAllBytesAsync(folder.File);

        await RefusedAsync("*format 2*");
        (await File.ReadAllBytesAsync(folder.File)).Should().Equal(before);
    }

    [Fact]
    public async Task The_queue_of_another_client_is_named()
    {
        await FillAsync(1);

        await RefusedAsync("*'tester'*'another'*", clientId: "another");
        (await ReadAsync()).Should().HaveCount(1);
    }

    [Theory]
    [InlineData(4096 + 8)]
    [InlineData(3 * 4096)]
    public async Task A_damaged_queue_is_told_and_left_as_it_is(int from)
    {
        await FillAsync(2000);
        var bytes = await File.ReadAllBytesAsync(folder.File);
        bytes.AsSpan(from, 4096).Fill(0x5A);
        await File.WriteAllBytesAsync(folder.File, bytes);

        await RefusedAsync("*damaged*");
        (await File.ReadAllBytesAsync(folder.File)).Should().Equal(bytes);
    }

    [Fact]
    public async Task A_queue_that_was_cut_off_is_told()
    {
        await FillAsync(2000);
        await using (var file = new FileStream(folder.File, FileMode.Open))
            file.SetLength(file.Length / 2);

        await RefusedAsync("*damaged*");
    }

    [Fact]
    public async Task A_queue_that_another_process_has_open_is_told()
    {
        await FillAsync(1);
        using var other = new SqliteConnection($"Data Source={folder.File};Pooling=False");
        other.Open();
        using var transaction = other.BeginTransaction();
        using var command = other.CreateCommand();
        command.CommandText = "INSERT INTO owner VALUES ('x')";
        command.Transaction = transaction;
        command.ExecuteNonQuery();

        await RefusedAsync("*open already*");
    }

    [Fact]
    public async Task While_a_queue_is_open_nobody_else_can_read_or_write_it()
    {
        await using var queue = await new MqttSqliteStore(folder.File).OpenAsync("tester");

        foreach (var text in (string[])["SELECT * FROM message", "DELETE FROM message"])
            (await FluentActions.Awaiting(() => RunAsync(text)).Should().ThrowAsync<SqliteException>()).Which.SqliteErrorCode.Should().Be(SQLitePCL.raw.SQLITE_BUSY);
    }

    [Fact]
    public async Task A_link_to_an_open_queue_is_the_same_queue()
    {
        await using var queue = await new MqttSqliteStore(folder.File).OpenAsync("tester");
        File.CreateSymbolicLink(folder.Path("link.db"), folder.File);

        await FluentActions.Awaiting(() => new MqttSqliteStore(folder.Path("link.db")).OpenAsync("tester").Soon()).Should().ThrowAsync<MqttStoreException>().WithMessage("*open already, in this process*");
    }

    [Fact]
    public async Task A_directory_that_is_not_there_is_told() => await RefusedAsync("*directory*", path: folder.Path("nowhere/queue.db"));

    [Fact]
    public async Task A_full_disk_fails_the_write_and_leaves_what_was_there()
    {
        await using (var queue = await new MqttSqliteStore(folder.File) { MaximumPageCount = 20 }.OpenAsync("tester"))
        {
            await queue.WriteAsync([Add(1, 100)]).Soon();
            await FluentActions.Awaiting(() => queue.WriteAsync([Add(2, 100), Add(3, 200_000)]).Soon()).Should().ThrowAsync<MqttStoreException>().WithMessage("*full*");
            await queue.WriteAsync([Add(4, 100)]).Soon();
        }

        (await ReadAsync()).Select(message => message.Number).Should().Equal(1, 4);
    }

    [Fact]
    public async Task A_client_whose_disk_is_full_fails_its_publishes_and_goes_on()
    {
        await using var broker = new TestBroker();
        await using var client = await broker.ConnectClientAsync("tester", options => options with { Queue = new() { Store = new MqttSqliteStore(folder.File) { MaximumPageCount = 20 } } });

        await FluentActions.Awaiting(() => client.PublishAsync("a", new byte[200_000], QualityOfService.AtLeastOnce).Soon()).Should().ThrowAsync<MqttStoreException>().WithMessage("*full*");
        client.IsConnected.Should().BeTrue();
        await client.PublishAsync("a", "0").Soon();
    }

    [Theory]
    [InlineData(true, "2")]
    [InlineData(false, "1")]
    public void Commits_wait_for_the_disk_unless_that_is_not_wanted(bool survivesPowerLoss, string synchronous)
    {
        using var file = QueueFile.Open(new(folder.File) { SurvivesPowerLoss = survivesPowerLoss }, "tester");

        (file.Ask("PRAGMA synchronous"), file.Ask("PRAGMA journal_mode"), file.Ask("PRAGMA locking_mode")).Should().Be((synchronous, "wal", "exclusive"));
    }

    [Fact]
    public async Task The_file_of_a_queue_that_was_emptied_is_used_again()
    {
        await FillAsync(2000);
        var bytes = new FileInfo(folder.File).Length;
        for (var i = 0; i < 3; i++)
        {
            await using (var queue = await new MqttSqliteStore(folder.File).OpenAsync("tester"))
                await queue.WriteAsync([.. (await queue.ReadAsync()).Select(message => new MqttPublishChange(MqttPublishChangeKind.Remove, message))]).Soon();
            await FillAsync(2000);
        }

        new FileInfo(folder.File).Length.Should().BeLessThan(bytes * 2);
    }

    private static MqttPublishChange Add(long number, int bytes) =>
        new(MqttPublishChangeKind.Add, new() { Number = number, Version = MqttProtocolVersion.V500, Packet = new byte[bytes] });

    private async Task FillAsync(int count)
    {
        await using var queue = await new MqttSqliteStore(folder.File).OpenAsync("tester");
        await queue.WriteAsync([.. Enumerable.Range(1, count).Select(number => Add(number, 100))]).Soon();
    }

    private async Task<IReadOnlyList<MqttStoredPublish>> ReadAsync()
    {
        await using var queue = await new MqttSqliteStore(folder.File).OpenAsync("tester");
        return await queue.ReadAsync();
    }

    private async Task RefusedAsync(string message, string clientId = "tester", string? path = null) =>
        await FluentActions.Awaiting(() => new MqttSqliteStore(path ?? folder.File).OpenAsync(clientId).Soon()).Should().ThrowAsync<MqttStoreException>().WithMessage(message);

    // As another program does.
    private async Task RunAsync(string text)
    {
        SqliteEngine.Find();
        await using var connection = new SqliteConnection($"Data Source={folder.File};Pooling=False") { DefaultTimeout = 1 };
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = text;
        await command.ExecuteNonQueryAsync();
    }
}
