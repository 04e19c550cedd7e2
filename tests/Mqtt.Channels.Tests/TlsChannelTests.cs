using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Listeners;

namespace Mqtt.Channels.Tests;

[Collection(Alone.Name)]
public sealed class TlsChannelTests
{
    private static readonly SslServerAuthenticationOptions Options = new() { ServerCertificate = TestCertificate.ForLocalhost, EnabledSslProtocols = SslProtocols.Tls13 };

    [Fact]
    public async Task A_goodbye_that_the_peer_does_not_take_aborts_the_connection_and_leaves_no_failure_behind()
    {
        var unobserved = new List<AggregateException>();
        EventHandler<UnobservedTaskExceptionEventArgs> collect = (_, failure) => unobserved.Add(failure.Exception);
        TaskScheduler.UnobservedTaskException += collect;
        try
        {
            await EndWithFullBuffer();
            GC.Collect();
            GC.WaitForPendingFinalizers();
            unobserved.Should().BeEmpty();
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= collect;
        }
    }

    [Theory]
    [InlineData("10 0c 00 04 4d 51 54 54 04 02 00 00 00 00")] // a CONNECT
    [InlineData("16 03 01 00 05 00 00 00 00 00")]
    [InlineData("16 03 01 ff ff 01 02 03 04 05 06 07")]
    [InlineData("47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a 0d 0a")]
    [InlineData("00")]
    [InlineData("80 2e 01 00 02")]
    public async Task Whoever_does_not_shake_hands_breaks_his_own_connection(string hex)
    {
        var (client, inner) = MemoryChannel.CreatePair();
        var server = new TlsChannel(inner, Options, NullLogger.Instance);
        var waiting = server.WaitReadableAsync().AsTask();
        await client.WriteAsync(Convert.FromHexString(hex.Replace(" ", "")));
        client.CompleteWriting();

        await FluentActions.Awaiting(() => waiting.WaitAsync(TimeSpan.FromSeconds(30))).Should().ThrowAsync<MqttConnectionException>();
        await FluentActions.Awaiting(async () => await server.ReadAsync(new byte[1])).Should().ThrowAsync<MqttConnectionException>();
        await FluentActions.Awaiting(async () => await server.WriteAsync(new byte[1])).Should().ThrowAsync<MqttConnectionException>();
        await server.DisposeAsync();
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_handshake_does_not_keep_the_loop_and_what_comes_after_it_is_read_on_the_loop()
    {
        var shookHandsOn = "";
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateSelectionCallback = (_, _) =>
            {
                shookHandsOn = Thread.CurrentThread.Name;
                return TestCertificate.ForLocalhost;
            },
        };
        await using var network = new Network(loopCount: 1);
        var (socket, inner) = await network.ConnectAsync();
        await using var server = new TlsChannel(inner, options, NullLogger.Instance);
        await using var client = new SslStream(new NetworkStream(socket, ownsSocket: true), leaveInnerStreamOpen: false, TestCertificate.Trust(TestCertificate.ForLocalhost));
        var reading = ReadOnAsync(server);
        await client.AuthenticateAsClientAsync("localhost");
        await client.WriteAsync(new byte[1]);
        var readOn = await reading.WaitAsync(TimeSpan.FromSeconds(30));

        shookHandsOn.Should().NotStartWith("mqtt-loop");
        readOn.Should().Be("mqtt-loop-0");

        static async Task<string?> ReadOnAsync(TlsChannel channel)
        {
            await channel.WaitReadableAsync().ConfigureAwait(false);
            return Thread.CurrentThread.Name;
        }
    }

    [Fact]
    public async Task An_abort_ends_a_handshake()
    {
        var (client, inner) = MemoryChannel.CreatePair();
        var server = new TlsChannel(inner, Options, NullLogger.Instance);
        var waiting = server.WaitReadableAsync().AsTask();
        await client.WriteAsync(new byte[] { 0x16, 3, 1, 2, 0 });
        server.Abort();

        await FluentActions.Awaiting(() => waiting.WaitAsync(TimeSpan.FromSeconds(30))).Should().ThrowAsync<MqttConnectionException>();
        await server.DisposeAsync();
        await client.DisposeAsync();
    }

    [Fact]
    public async Task A_handshake_that_fails_is_logged_once_with_its_cause()
    {
        (await LogOfAsync(async client => await client.WriteAsync(Convert.FromHexString("100C00044D5154540402000000000000")))).Should().ContainSingle()
            .Which.Should().StartWith("Information 112 The TLS handshake with").And.NotContain("see inner");
        (await LogOfAsync(async client =>
        {
            var older = new SslStream(new ChannelStream(client));
            var request = new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = SslProtocols.Tls12 };
            await FluentActions.Awaiting(() => older.AuthenticateAsClientAsync(request)).Should().ThrowAsync<AuthenticationException>();
        })).Should().ContainSingle().Which.Should().StartWith("Information 112 The TLS handshake with");
    }

    [Fact]
    public async Task Who_knocks_and_goes_is_not_logged() => (await LogOfAsync(_ => Task.CompletedTask)).Should().BeEmpty();

    // What the server logs of a client that does this, and ends, in place of shaking hands.
    private static async Task<IReadOnlyList<string>> LogOfAsync(Func<MqttChannel, Task> act)
    {
        var log = new LineLog();
        var (client, inner) = MemoryChannel.CreatePair();
        await using var server = new TlsChannel(inner, Options, log);
        var waiting = server.WaitReadableAsync().AsTask();
        await act(client).WaitAsync(TimeSpan.FromSeconds(30));
        client.CompleteWriting();
        await FluentActions.Awaiting(() => waiting.WaitAsync(TimeSpan.FromSeconds(30))).Should().ThrowAsync<MqttConnectionException>();
        await client.DisposeAsync();
        return log.Lines;
    }

    // The last record leaves no room below for the goodbye.
    private static async Task EndWithFullBuffer()
    {
        const int Capacity = 16 * 1024;
        var (near, far) = MemoryChannel.CreatePair(PipeScheduler.Inline, Capacity);
        var server = new TlsChannel(far, Options, NullLogger.Instance);
        var client = new SslStream(new ChannelStream(near), leaveInnerStreamOpen: false, TestCertificate.Trust(TestCertificate.ForLocalhost));
        var waiting = server.WaitReadableAsync().AsTask();
        await client.AuthenticateAsClientAsync("localhost");
        await client.WriteAsync(new byte[1]);
        await waiting;
        var before = server.WrittenBytes;
        await server.WriteAsync(new byte[1]);
        var overhead = (int)(server.WrittenBytes - before) - 1;
        (await client.ReadAsync(new byte[10])).Should().Be(1);

        await server.WriteAsync(new byte[Capacity - overhead]);
        server.CompleteWriting();

        await FluentActions.Awaiting(async () => await server.ReadAsync(new byte[1])).Should().ThrowAsync<MqttConnectionException>();
        await server.DisposeAsync();
        await client.DisposeAsync();
    }

    private sealed class LineLog : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add($"{logLevel} {eventId.Id} {formatter(state, exception)}");
    }
}
