using System.Net;
using System.Net.Sockets;

namespace Mqtt.Client.Tests.Dialing;

public class DialerTests
{
    [Theory]
    [InlineData("mqtt://plant", "plant", 1883)]
    [InlineData("tcp://plant", "plant", 1883)]
    [InlineData("MQTT://plant:7/", "plant", 7)]
    [InlineData("mqtt://me:secret@plant", "plant", 1883)]
    [InlineData("mqtt://[::1]", "::1", 1883)]
    [InlineData("mqtts://plant", "plant", 8883)]
    [InlineData("tls://plant", "plant", 8883)]
    [InlineData("ssl://plant:7", "plant", 7)]
    [InlineData("ws://plant", "plant", 80)]
    [InlineData("wss://me:secret@plant/path", "plant", 443)]
    [InlineData("mqtt://plänt", "xn--plnt-moa", 1883)]
    public async Task An_address_leads_to_its_host_and_port(string server, string host, int port)
    {
        EndPoint? dialled = null;
        await using var client = new MqttClient(new MqttClientOptions
        {
            Server = new Uri(server),
            ConnectCallback = (endPoint, _) =>
            {
                dialled = endPoint;
                throw new IOException("no way");
            },
        });

        var failed = await FluentActions.Awaiting(() => client.ConnectAsync().Soon()).Should().ThrowAsync<MqttConnectionException>();

        dialled.Should().Be(new DnsEndPoint(host, port));
        failed.Which.Message.Should().Match("No connection to *://*: no way").And.NotContain("secret");
    }

    [Theory]
    [InlineData("http://plant", "*'http'*")]
    [InlineData("mqtt:plant", "*no host*")]
    [InlineData("mqtt://plant:0", "*port 0*")]
    [InlineData("mqtt://plant/topic", "*'/topic' has no meaning*")]
    [InlineData("mqtt://plant?a=b", "*'/?a=b' has no meaning*")]
    [InlineData("ws://plant/path#part", "*'#part' has no meaning*")]
    [InlineData("plant", "*absolute*")]
    [InlineData("unix://elsewhere/run/mqtt", "*unix:///path*")]
    [InlineData("unix:///", "*unix:///path*")]
    [InlineData("unix:///long", "*longer*")]
    public void An_address_that_cannot_be_dialled_is_refused_at_once(string server, string reason)
    {
        if (server.EndsWith("long", StringComparison.Ordinal))
            server += new string('g', 200);
        var options = new MqttClientOptions { Server = new Uri(server, UriKind.RelativeOrAbsolute) };

        FluentActions.Invoking(() => new MqttClient(options)).Should().Throw<ArgumentException>().WithMessage(reason).Which.ParamName.Should().Be("Server");
    }

    [Fact]
    public async Task A_host_is_found_by_its_name_though_not_all_of_its_addresses_listen()
    {
        using var listener = new Listener();
        await using var client = new MqttClient($"mqtt://localhost:{listener.Port}");
        var connecting = client.ConnectAsync();
        await using var server = Listener.Serve(await listener.AcceptAsync());
        await server.AcceptAsync();

        (await connecting.Soon()).SessionPresent.Should().BeFalse();
        var leaving = client.DisconnectAsync();
        await server.ExpectAsync<DisconnectPacket>();
        await server.ExpectEndAsync(); // the sending side is shut down, the rest is the server's
        await server.DisposeAsync();
        await leaving.Soon();
    }

    [Fact]
    public async Task A_socket_file_is_dialled_and_a_user_may_stand_in_its_address()
    {
        var folder = Directory.CreateTempSubdirectory("mqtt-");
        try
        {
            var path = Path.Combine(folder.FullName, "a socket");
            using var listener = new Listener(new UnixDomainSocketEndPoint(path));
            await using var client = new MqttClient($"unix://me:secret@localhost{Uri.EscapeDataString(path).Replace("%2F", "/", StringComparison.Ordinal)}");
            var connecting = client.ConnectAsync();
            await using var server = Listener.Serve(await listener.AcceptAsync());
            (await server.AcceptAsync()).UserName.ToString().Should().Be("me");

            await connecting.Soon();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Nobody_there_is_told_with_the_address_and_without_the_password()
    {
        int port;
        using (var gone = new Listener())
            port = gone.Port;
        await using var client = new MqttClient($"mqtt://me:secret@127.0.0.1:{port}");

        var failed = await FluentActions.Awaiting(() => client.ConnectAsync().Soon()).Should().ThrowAsync<MqttConnectionException>();

        failed.Which.Message.Should().StartWith($"No connection to mqtt://127.0.0.1:{port}: ");
        failed.Which.InnerException.Should().BeOfType<SocketException>();
    }

    [Fact]
    public async Task A_stream_of_the_callback_becomes_the_connection_and_is_disposed_with_it()
    {
        var (ours, theirs) = MemoryChannel.CreatePair();
        await using var server = new ScriptedPeer(theirs, MqttSender.Server);
        var client = new MqttClient(new MqttClientOptions { ConnectCallback = (_, _) => new(new ChannelStream(ours)) });
        var connecting = client.ConnectAsync();
        await server.AcceptAsync();
        await connecting.Soon();

        // A stream alone cannot say that nothing more comes: the server closes.
        var leaving = client.DisposeAsync();
        await server.ExpectAsync<DisconnectPacket>();
        server.Abort();
        await leaving.Soon();
        await FluentActions.Awaiting(() => ours.WriteAsync(new byte[1]).Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task A_callback_without_a_stream_is_an_error_that_names_it()
    {
        await using var client = new MqttClient(new MqttClientOptions { ConnectCallback = (_, _) => new((Stream)null!) });

        await FluentActions.Awaiting(() => client.ConnectAsync().Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("*ConnectCallback*");
    }

    [Fact]
    public async Task A_dial_that_does_not_end_ends_with_the_time_for_connecting()
    {
        var time = new VirtualTime();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var client = new MqttClient(new MqttClientOptions
        {
            TimeProvider = time,
            ConnectCallback = async (_, cancellationToken) =>
            {
                begun.SetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return Stream.Null;
            },
        });
        var connecting = client.ConnectAsync().AsTask();
        await begun.Task.Soon();
        time.Advance(TimeSpan.FromSeconds(30));

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("*did not answer within*");
    }
}
