using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Mqtt.Tool.Tests;

public class ProgramTests
{
    [Fact]
    public async Task Version_prints_name_and_number()
    {
        await using var shell = await Shell.RunAsync("--version");

        (await shell.ExitCodeAsync()).Should().Be(0);
        shell.Output.Should().MatchRegex(@"^mqtt \d+\.\d+\.\d+\n$");
        shell.Error.Should().BeEmpty();
    }

    [Theory]
    [InlineData("help")]
    [InlineData("--help")]
    public async Task Help_names_every_command(string line)
    {
        await using var shell = await Shell.RunAsync(line);

        (await shell.ExitCodeAsync()).Should().Be(0);
        shell.Output.Should().Contain("serve").And.Contain("pub").And.Contain("sub").And.Contain("--version");
        shell.Error.Should().BeEmpty();
    }

    [Theory]
    [InlineData("help serve", "--max-packet")]
    [InlineData("serve --help", "--max-packet")]
    [InlineData("help pub", "--retain")]
    [InlineData("pub --help", "--retain")]
    [InlineData("help sub", "--verbose")]
    [InlineData("sub -t a --help", "--verbose")]
    public async Task Help_of_a_command_names_its_flags(string line, string flag)
    {
        await using var shell = await Shell.RunAsync(line.Split(' '));

        (await shell.ExitCodeAsync()).Should().Be(0);
        shell.Output.Should().Contain(flag);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("pub")]
    [InlineData("sub")]
    public async Task No_two_flags_of_a_command_share_a_name(string command)
    {
        await using var shell = await Shell.RunAsync("help", command);

        var names = Regex.Matches(shell.Output, @"^  (-\S,|   ) (--\S+)", RegexOptions.Multiline).SelectMany(match => new[] { match.Groups[1].Value.Trim(), match.Groups[2].Value });

        names.Where(name => name.Length > 0).Should().OnlyHaveUniqueItems().And.HaveCountGreaterThan(10);
    }

    [Theory]
    [InlineData("", "mqtt: a command is expected")]
    [InlineData("nonsense", "mqtt: there is no command 'nonsense'")]
    [InlineData("help nonsense", "mqtt: there is no command 'nonsense'")]
    [InlineData("serve --nonsense", "mqtt serve: unknown flag --nonsense")]
    [InlineData("serve -p", "mqtt serve: -p needs a value")]
    [InlineData("serve --max-packet big", "mqtt serve: --max-packet big: a size*")]
    [InlineData("serve --listen nonsense", "mqtt serve: 'nonsense' is no address; write mqtt://host:port.")]
    [InlineData("serve --listen http://localhost", "mqtt serve: 'http://localhost': the scheme 'http' is not known here*")]
    [InlineData("serve --listen mqtts://localhost:0", "mqtt serve: An mqtts:// or wss:// address needs a certificate*")]
    [InlineData("serve --listen wss://localhost:0", "mqtt serve: An mqtts:// or wss:// address needs a certificate*")]
    [InlineData("serve --listen ws://localhost:0/mqtt?x=1", "mqtt serve: *nothing can follow the path*")]
    [InlineData("serve --listen http://localhost:0", "mqtt serve: *'http'*ws or wss*")]
    [InlineData("serve --listen ws://localhost:0 --ws-origin plant.example", "mqtt serve: *'plant.example' is no origin*")]
    [InlineData("serve --listen mqtts://localhost:0 --cert /nowhere.pem", "mqtt serve: The certificate /nowhere.pem cannot be read*")]
    [InlineData("pub -m x", "mqtt pub: a topic (-t) and one of*")]
    [InlineData("pub -t a", "mqtt pub: a topic (-t) and one of*")]
    [InlineData("pub -t a -m x -n", "mqtt pub: -n: only one of*")]
    [InlineData("pub -t a/+ -m x", "mqtt pub: 'a/+' is no topic to publish to")]
    [InlineData("pub -t a -m x -q 3", "mqtt pub: -q 3: a number from 0 to 2 is expected")]
    [InlineData("pub -t a -m x -V 4", "mqtt pub: -V 4: 31, 311 or 5 is expected")]
    [InlineData("pub -t a -m x -V 311 -P secret", "mqtt pub: before MQTT 5.0 a password needs a user name (-u)")]
    [InlineData("pub -t a -m x --will-payload x", "mqtt pub: a will needs a topic (--will-topic)")]
    [InlineData("pub -t a -m x --will-topic #", "mqtt pub: '#' is no topic name")]
    [InlineData("pub -t a -m x -L http://b/c", "mqtt pub: -L http://b/c: mqtt://host:port/topic is expected, or mqtts, ws or wss")]
    [InlineData("sub", "mqtt sub: a topic filter (-t) is needed")]
    [InlineData("sub -t a/#/b", "mqtt sub: -t a/#/b: that is no topic filter")]
    [InlineData("sub -t a -c", "mqtt sub: -c needs a client identifier (-i)")]
    [InlineData("sub -t a -C 0", "mqtt sub: -C 0: a number*")]
    public async Task A_wrong_command_line_ends_with_2_and_says_what_is_wrong(string line, string complaint)
    {
        await using var shell = await Shell.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        (await shell.ExitCodeAsync()).Should().Be(2);
        shell.Output.Should().BeEmpty();
        shell.Error.Split('\n')[0].Should().Match(complaint);
        shell.Error.Split('\n')[1].Should().StartWith("usage: mqtt ");
    }

    [Theory]
    [InlineData("pub -t a -m x")]
    [InlineData("sub -t a")]
    public async Task A_server_that_is_not_there_ends_with_1_and_one_line(string line)
    {
        var port = TakenPort(out var socket, listen: false);
        using (socket)
        {
            await using var shell = await Shell.RunAsync([.. line.Split(' '), "-h", "127.0.0.1", "-p", $"{port}"]);

            (await shell.ExitCodeAsync()).Should().Be(1);
            shell.Output.Should().BeEmpty();
            shell.Error.Should().Match($"mqtt *: No connection to mqtt://127.0.0.1:{port}: *refused\n");
        }
    }

    [Fact]
    public async Task A_port_that_is_taken_ends_with_1_and_one_line_that_names_it()
    {
        var port = TakenPort(out var socket, listen: true);
        using (socket)
        {
            await using var shell = await Shell.RunAsync("serve", "--host", "127.0.0.1", "-p", $"{port}");

            (await shell.ExitCodeAsync()).Should().Be(1);
            shell.Output.Should().BeEmpty();
            shell.Error.Should().Be($"mqtt serve: Cannot listen on 127.0.0.1:{port}: Address already in use\n");
        }
    }

    private static int TakenPort(out Socket socket, bool listen)
    {
        socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        if (listen)
            socket.Listen();
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
