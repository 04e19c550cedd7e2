namespace Mqtt.Tool.Tests;

public class ServeTests
{
    [Fact]
    public async Task Prints_a_line_for_each_address_and_ends_with_0_when_it_is_told_to()
    {
        await using var server = Shell.Start("serve", "--listen", "mqtt://127.0.0.1:0", "--listen", "mqtt://127.0.0.1:0", "--memory");

        (await server.NextOutputAsync()).Should().MatchRegex(@"^listening on 127\.0\.0\.1:\d+\n$");
        (await server.NextOutputAsync()).Should().MatchRegex(@"^listening on 127\.0\.0\.1:\d+\n$");

        (await server.StopAsync()).Should().Be(0);
        server.Error.Should().BeEmpty();
    }

    [Fact]
    public async Task Clients_come_by_WebSocket_and_those_who_ask_for_something_else_are_logged_if_it_is_verbose()
    {
        await using var server = Shell.Start("serve", "--listen", "ws://127.0.0.1:0/plant/mqtt", "--ws-origin", "https://plant.example", "-v");
        var port = (await server.NextOutputAsync()).TrimEnd().Split(':')[^1];

        await using var right = await Shell.RunAsync("pub", "-h", "127.0.0.1", "-p", port, "--ws", "--ws-path", "/plant/mqtt", "-t", "a", "-m", "x", "-q", "1");
        await using var wrong = await Shell.RunAsync("pub", "-h", "127.0.0.1", "-p", port, "--ws", "-t", "a", "-m", "x", "-q", "1");

        (await right.ExitCodeAsync()).Should().Be(0, right.Error);
        (await wrong.ExitCodeAsync()).Should().Be(1);
        wrong.Error.Should().Contain("404");
        (await server.StopAsync()).Should().Be(0);
        server.Error.Should().MatchRegex(@"A WebSocket from 127\.0\.0\.1:\d+ was refused with status 404: There is nothing at this path\.\n");
    }

    [Fact]
    public async Task Is_quiet_about_connections()
    {
        await using var server = await TestServer.StartAsync();

        (await Shell.RunAsync(server.To("pub", "-t", "a", "-m", "x", "-q", "1"))).Error.Should().BeEmpty();

        (await server.StopAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Logs_who_comes_subscribes_and_goes_if_it_is_verbose()
    {
        await using var server = await TestServer.StartAsync("-v");

        await Shell.RunAsync(server.To("pub", "-t", "a", "-m", "x", "-q", "1", "-r", "-i", "giver", "-V", "311"));
        await Shell.RunAsync(server.To("sub", "-t", "a", "-i", "taker", "-C", "1"));

        (await server.StopAsync()).Should()
            .MatchRegex(@"'giver' connected, V311\n(.*\n)*.*'giver' closed: .*\n")
            .And.MatchRegex(@"'taker' connected, V500\n(.*\n)*.*'taker' subscribed to a \(QoS 0\)\n(.*\n)*.*'taker' closed: ");
    }

    [Fact]
    public async Task Its_bounds_hold()
    {
        await using var server = await TestServer.StartAsync("--max-packet", "1K");

        await using var shell = await Shell.RunAsync(new byte[2048], server.To("pub", "-t", "a", "-s", "-q", "1"));

        (await shell.ExitCodeAsync()).Should().Be(1);
        shell.Error.Should().Match("mqtt pub: The packet has * bytes; the server takes 1024.\n");
    }
}
