using System.Text;

namespace Mqtt.Tool.Tests;

/// <summary><c>mqtt pub</c> and <c>mqtt sub</c> with each other. Retained messages hand payloads over, so that nobody has to be there first.</summary>
public class ClientCommandTests
{
    private static readonly byte[] Binary = [0, 255, 10, 13, 128, 0];

    [Fact]
    public async Task A_payload_comes_out_byte_for_byte()
    {
        await using var server = await TestServer.StartAsync();

        await SucceedAsync(await Shell.RunAsync(Binary, server.To("pub", "-t", "a", "-s", "-r", "-q", "1")));

        (await SubscribeAsync(server, "-t", "a", "-C", "1", "-N")).Bytes.Should().Equal(Binary);
    }

    [Fact]
    public async Task A_file_is_published_byte_for_byte()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(file, Binary, TestContext.Current.CancellationToken);
            await using var server = await TestServer.StartAsync();

            await SucceedAsync(await Shell.RunAsync(server.To("pub", "-t", "a", "-f", file, "-r", "-q", "1")));

            (await SubscribeAsync(server, "-t", "a", "-C", "1", "-N")).Bytes.Should().Equal(Binary);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public async Task A_file_that_is_not_there_ends_with_1()
    {
        await using var server = await TestServer.StartAsync();

        await using var shell = await Shell.RunAsync(server.To("pub", "-t", "a", "-f", "/no/such/file"));

        (await shell.ExitCodeAsync()).Should().Be(1);
        shell.Error.Should().Contain("/no/such/file");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Each_line_of_standard_input_is_a_message(int quality)
    {
        await using var server = await TestServer.StartAsync();
        await using var subscriber = await StartAsync(server, server.To("sub", "-t", "line", "-t", "ready", "-q", "2", "-C", "5", "-v"));

        await SucceedAsync(await Shell.RunAsync("one\ntwo\r\n\nlast"u8.ToArray(), server.To("pub", "-t", "line", "-l", "-q", $"{quality}")));

        (await subscriber.ExitCodeAsync()).Should().Be(0);
        subscriber.Output.Should().Be("ready x\nline one\nline two\r\nline (null)\nline last\n");
    }

    [Fact]
    public async Task More_lines_than_may_be_under_way_arrive_in_order()
    {
        var lines = Enumerable.Range(1, 500).Select(number => $"{number}\n").ToArray();
        await using var server = await TestServer.StartAsync();
        await using var subscriber = await StartAsync(server, server.To("sub", "-t", "line", "-t", "ready", "-q", "2", "-C", "501"));

        await SucceedAsync(await Shell.RunAsync(Encoding.UTF8.GetBytes(string.Concat(lines)), server.To("pub", "-t", "line", "-l", "-q", "2", "-M", "3")));

        (await subscriber.ExitCodeAsync()).Should().Be(0);
        subscriber.Output.Should().Be("x\n" + string.Concat(lines));
    }

    [Fact]
    public async Task Repeat_publishes_again_and_again()
    {
        await using var server = await TestServer.StartAsync();
        await using var subscriber = await StartAsync(server, server.To("sub", "-t", "a", "-t", "ready", "-q", "1", "-C", "4"));

        await SucceedAsync(await Shell.RunAsync(server.To("pub", "-t", "a", "-m", "y", "-q", "1", "--repeat", "3")));

        (await subscriber.ExitCodeAsync()).Should().Be(0);
        subscriber.Output.Should().Be("x\ny\ny\ny\n");
    }

    [Theory]
    [InlineData("-t a -C 1 -v", "a 1\n")]
    [InlineData("-t a -C 1 -N", "1")]
    [InlineData("-t a -C 1 -v -N", "a 1")]
    [InlineData("-t a -t b -C 2 -v", "a 1\nb 2\n")]
    [InlineData("-t a -t a -t + -T a -C 1 -v", "b 2\n")]
    [InlineData("-t +  -T + -t +/c -C 1 -v", "b/c 3\n")]
    public async Task Output_has_the_form_that_was_asked_for(string flags, string expected)
    {
        await using var server = await TestServer.StartAsync();
        await SucceedAsync(await Shell.RunAsync(server.To("pub", "-t", "a", "-m", "1", "-r", "-q", "1")));
        await SucceedAsync(await Shell.RunAsync(server.To("pub", "-t", "b", "-m", "2", "-r", "-q", "1")));
        await SucceedAsync(await Shell.RunAsync(server.To("pub", "-t", "b/c", "-m", "3", "-r", "-q", "1")));

        (await SubscribeAsync(server, flags.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Output.Should().Be(expected);
    }

    [Fact]
    public async Task Retained_messages_can_be_left_out()
    {
        await using var server = await TestServer.StartAsync();
        await SucceedAsync(await Shell.RunAsync(server.To("pub", "-t", "a", "-m", "old", "-r", "-q", "1")));

        await using var shell = await Shell.RunAsync(server.To("sub", "-t", "a", "-R", "-W", "1"));

        (await shell.ExitCodeAsync()).Should().Be(27);
        shell.Output.Should().BeEmpty();
    }

    [Fact]
    public async Task The_time_that_was_given_ends_it_with_27()
    {
        await using var server = await TestServer.StartAsync();

        await using var shell = await Shell.RunAsync(server.To("sub", "-t", "a", "-W", "1"));

        (await shell.ExitCodeAsync()).Should().Be(27);
        shell.Error.Should().Be("mqtt sub: timed out\n");
    }

    [Fact]
    public async Task Being_told_to_stop_is_a_normal_end_of_sub()
    {
        await using var server = await TestServer.StartAsync();
        await using var subscriber = await StartAsync(server, server.To("sub", "-t", "ready"));

        (await subscriber.StopAsync()).Should().Be(0);
        subscriber.Error.Should().BeEmpty();
    }

    [Fact]
    public async Task A_subscriber_that_loses_the_server_says_so_and_finds_it_again()
    {
        await using var server = await TestServer.StartAsync();
        await using var subscriber = await StartAsync(server, server.To("sub", "-t", "ready"));

        await server.StopAsync();
        await using var again = await TestServer.StartAsync("-p", server.Port);
        await SucceedAsync(await Shell.RunAsync(again.To("pub", "-t", "ready", "-m", "again", "-r")));

        (await subscriber.NextOutputAsync()).Should().Be("again\n");
        subscriber.Error.Should().Match("mqtt sub: the connection ended: *ServerShuttingDown*; connecting again\n");
        (await subscriber.StopAsync()).Should().Be(0);
    }

    [Fact]
    public async Task A_subscriber_whose_place_another_takes_ends_with_1_and_the_reason()
    {
        await using var server = await TestServer.StartAsync();
        await using var subscriber = await StartAsync(server, server.To("sub", "-t", "ready", "-i", "one"));

        await SucceedAsync(await Shell.RunAsync(server.To("pub", "-t", "other", "-m", "x", "-i", "one")));

        (await subscriber.ExitCodeAsync()).Should().Be(1);
        subscriber.Error.Should().Match("mqtt sub: the connection ended: *SessionTakenOver*\n");
    }

    [Fact]
    public async Task It_can_end_as_soon_as_it_has_subscribed()
    {
        await using var server = await TestServer.StartAsync();
        (await SubscribeAsync(server, "-t", "a", "-q", "1", "-c", "-i", "keeper", "-E")).Output.Should().BeEmpty();
        await SucceedAsync(await Shell.RunAsync(server.To("pub", "-t", "a", "-m", "kept", "-q", "1")));

        (await SubscribeAsync(server, "-t", "a", "-q", "1", "-c", "-i", "keeper", "-C", "1")).Output.Should().Be("kept\n");
    }

    [Theory]
    [InlineData("31")]
    [InlineData("311")]
    [InlineData("5")]
    public async Task A_kept_session_brings_what_came_meanwhile(string version)
    {
        await using var server = await TestServer.StartAsync();
        string[] keeper = server.To("sub", "-t", "a", "-q", "1", "-V", version, "-c", "-i", "keeper");
        await SucceedAsync(await Shell.RunAsync(server.To("pub", "-t", "a", "-m", "0", "-q", "1", "-r")));
        (await SucceedAsync(await Shell.RunAsync([.. keeper, "-C", "1"]))).Output.Should().Be("0\n");
        await SucceedAsync(await Shell.RunAsync("1\n2\n3\n"u8.ToArray(), server.To("pub", "-t", "a", "-l", "-q", "1")));

        await using var again = await Shell.RunAsync([.. keeper, "-C", "3", "-R"]);

        (await SucceedAsync(again)).Output.Should().Be("1\n2\n3\n");
    }

    // Starts a subscriber whose last filter is 'ready'. The marker there is retained: once it is printed, the subscriptions stand.
    private static async Task<Shell> StartAsync(TestServer server, string[] words)
    {
        await SucceedAsync(await Shell.RunAsync(server.To("pub", "-t", "ready", "-m", "x", "-r", "-q", "1")));
        var subscriber = Shell.Start(words);
        (await subscriber.NextOutputAsync()).Should().Contain("x");
        return subscriber;
    }

    private static async Task<Shell> SubscribeAsync(TestServer server, params string[] flags) =>
        await SucceedAsync(await Shell.RunAsync(server.To("sub", flags)));

    private static async Task<Shell> SucceedAsync(Shell shell)
    {
        (await shell.ExitCodeAsync()).Should().Be(0, shell.Error);
        shell.Error.Should().BeEmpty();
        return shell;
    }
}
