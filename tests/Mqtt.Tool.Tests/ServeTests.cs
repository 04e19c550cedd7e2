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
