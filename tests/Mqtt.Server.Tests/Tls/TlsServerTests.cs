using System.Net;
using System.Security.Cryptography;

namespace Mqtt.Server.Tests;

/// <summary>A server on a TLS port and those who come to it.</summary>
public sealed class TlsServerTests
{
    private static readonly MqttServerTls Tls = new() { Certificate = TestCertificate.ForLocalhost };

    /// <summary>The runtime's sockets, or one event loop.</summary>
    public static TheoryData<int> LoopCounts => [0, 1];

    [Fact]
    public async Task The_port_is_8883_unless_one_is_given()
    {
        // An address of loopback that nobody else uses.
        await using var server = new MqttServer(new MqttDelegateHandler(Handlers.Basic), new MqttServerOptions { Addresses = ["mqtts://127.88.83.1"], Tls = Tls });
        await server.StartAsync();

        server.Endpoints.Should().Equal(new IPEndPoint(IPAddress.Parse("127.88.83.1"), 8883));
    }

    [Theory, MemberData(nameof(LoopCounts))]
    public async Task A_plain_client_on_a_tls_port_costs_only_itself(int loopCount)
    {
        var log = new ErrorLog();
        await using var server = await StartAsync(loopCount, options => options with { Logger = log });
        await using var before = await TlsClient.ConnectAsync(server.Endpoints[0], TestCertificate.ForLocalhost);
        await before.ConnectAsync(new ConnectPacket { ClientId = "before", KeepAliveSeconds = 0 });
        for (var i = 0; i < 20; i++)
        {
            using var plain = await TlsClient.DialAsync(server.Endpoints[0]);
            await plain.SendAsync(Convert.FromHexString("100C00044D5154540402000000000000"));
            await TlsClient.MustBeClosedAsync(plain);
        }

        await before.SendAsync(new PingReqPacket());
        await before.ExpectAsync<PingRespPacket>();
        await TlsClient.MustGreetAsync(server.Endpoints[0], TestCertificate.ForLocalhost);
        log.Errors.Should().BeEmpty();
    }

    [Theory, MemberData(nameof(LoopCounts))]
    public async Task Whatever_is_said_instead_of_a_handshake_only_ends_that_connection(int loopCount)
    {
        var log = new ErrorLog();
        await using var server = await StartAsync(loopCount, options => options with { Logger = log });
        for (var i = 0; i < 100; i++)
        {
            using var hostile = await TlsClient.DialAsync(server.Endpoints[0]);
            var bytes = RandomNumberGenerator.GetBytes(RandomNumberGenerator.GetInt32(1, 300));
            if (i % 2 == 0)
                bytes = [0x16, 3, 1, 0, (byte)Math.Min(bytes.Length, 200), .. bytes];
            await hostile.SendAsync(bytes);
            hostile.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            await TlsClient.MustBeClosedAsync(hostile);
        }

        await TlsClient.MustGreetAsync(server.Endpoints[0], TestCertificate.ForLocalhost);
        log.Errors.Should().BeEmpty();
    }

    [Theory]
    [InlineData(0, "")]
    [InlineData(0, "16030102000100")]
    [InlineData(1, "")]
    [InlineData(1, "16030102000100")]
    public async Task Who_never_finishes_the_handshake_is_cut_when_the_time_for_connect_is_over(int loopCount, string beginning)
    {
        var time = new VirtualTime();
        var begun = new SemaphoreSlim(0);
        var log = new ErrorLog();
        await using var server = await StartAsync(loopCount, options => options with
        {
            TimeProvider = time,
            Logger = log,
            StateChanged = (_, state) =>
            {
                if (state == MqttConnectionState.New)
                    begun.Release();
            },
        });
        using var slow = await TlsClient.DialAsync(server.Endpoints[0]);
        await slow.SendAsync(Convert.FromHexString(beginning));
        (await begun.WaitAsync(TimeSpan.FromSeconds(30))).Should().BeTrue();
        time.Advance(TimeSpan.FromSeconds(9.8));
        server.Connections.Should().ContainSingle();

        time.Advance(TimeSpan.FromSeconds(0.4));

        await TlsClient.MustBeClosedAsync(slow);
        log.Errors.Should().BeEmpty();
    }

    [Theory, MemberData(nameof(LoopCounts))]
    public async Task A_server_that_stops_in_the_midst_of_handshakes_stops(int loopCount)
    {
        var begun = new SemaphoreSlim(0);
        await using var server = await StartAsync(loopCount, options => options with { StopTimeout = TimeSpan.FromMilliseconds(50), StateChanged = (_, _) => begun.Release() });
        using var slow = await TlsClient.DialAsync(server.Endpoints[0]);
        await slow.SendAsync(new byte[] { 0x16, 3, 1 });
        (await begun.WaitAsync(TimeSpan.FromSeconds(30))).Should().BeTrue();

        await server.StopAsync().WaitAsync(TimeSpan.FromSeconds(30));

        await TlsClient.MustBeClosedAsync(slow);
        server.Connections.Should().BeEmpty();
    }

    private static async Task<MqttServer> StartAsync(int loopCount, Func<MqttServerOptions, MqttServerOptions> with)
    {
        var server = new MqttServer(new MqttDelegateHandler(Handlers.Basic), with(new MqttServerOptions { Addresses = ["mqtts://127.0.0.1:0"], Tls = Tls, EventLoops = loopCount }));
        await server.StartAsync();
        return server;
    }
}
