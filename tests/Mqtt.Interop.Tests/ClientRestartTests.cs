using System.Net;
using System.Net.Sockets;
using Mqtt.Client;
using Mqtt.Protocol;

namespace Mqtt.Interop.Tests;

/// <summary>Servers of others restart under our client, which comes back by itself.</summary>
public sealed class ClientRestartTests : IDisposable
{
    private static readonly string[] Texts = [.. Enumerable.Range(1, 100).Select(number => $"{number}")];

    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("mqtt-restart-");

    public static TheoryData<MqttProtocolVersion> Versions => [.. OurClient.Versions];

    public void Dispose() => folder.Delete(recursive: true);

    [Theory, MemberData(nameof(Versions))]
    public async Task A_session_that_mosquitto_has_kept_is_resumed_with_what_came_meanwhile(MqttProtocolVersion version)
    {
        await using var server = await StartAsync(keeps: true);
        await using var client = await Returning.ConnectAsync($"mqtt://127.0.0.1:{server.Port}", version);
        await using var subscription = await client.Client.SubscribeAsync("a", QualityOfService.ExactlyOnce);

        client.StayOut();
        await server.StopAsync();
        await server.StartAgainAsync();
        await PublishAsync(server, version, "meanwhile");
        client.ComeBack();

        // A CONNACK of 3.1 does not tell.
        (await client.ConnectedAsync()).SessionPresent.Should().Be(version > MqttProtocolVersion.V310);
        await PublishAsync(server, version, "afterwards");
        (await subscription.NextAsync(2)).Should().Equal("meanwhile", "afterwards");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task Subscriptions_are_made_anew_where_mosquitto_has_lost_the_session(MqttProtocolVersion version)
    {
        await using var server = await StartAsync(keeps: false);
        await using var client = await Returning.ConnectAsync($"mqtt://127.0.0.1:{server.Port}", version);
        await using var subscription = await client.Client.SubscribeAsync("a", QualityOfService.ExactlyOnce);

        client.StayOut();
        await server.StopAsync();
        await server.StartAgainAsync();
        await PublishAsync(server, version, "nobody wants it");
        client.ComeBack();

        (await client.ConnectedAsync()).SessionPresent.Should().BeFalse();
        await server.SubscribedAsync(Returning.ClientId);
        await PublishAsync(server, version, "afterwards");
        (await subscription.NextAsync(1)).Should().Equal("afterwards");
    }

    [Theory, MemberData(nameof(Versions))]
    public async Task What_is_published_over_a_restart_arrives_at_QoS_1_at_least_and_at_QoS_2_exactly_once(MqttProtocolVersion version)
    {
        await using var server = await StartAsync(keeps: true);
        await using var client = await Returning.ConnectAsync($"mqtt://127.0.0.1:{server.Port}", version);
        await using var once = await client.Client.SubscribeAsync("2", QualityOfService.ExactlyOnce);
        await using var more = await client.Client.SubscribeAsync("1", QualityOfService.AtLeastOnce);

        var stopping = server.StopAsync();
        var publishing = Texts.SelectMany(text => new[]
        {
            client.Client.PublishAsync("2", text, QualityOfService.ExactlyOnce).AsTask(),
            client.Client.PublishAsync("1", text, QualityOfService.AtLeastOnce).AsTask(),
        }).ToList();
        await stopping;
        await server.StartAgainAsync();

        foreach (var result in await Task.WhenAll(publishing).WaitAsync(RunningProgram.Patience))
            result.ReasonCode.Should().Be(ReasonCode.Success);
        await PublishAsync(server, version, "end", "2");
        await PublishAsync(server, version, "end", "1");
        (await once.NextAsync(Texts.Length + 1)).Should().Equal([.. Texts, "end"]);
        (await UpToEndAsync(more)).Distinct().Should().Equal(Texts);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task What_was_under_way_to_a_server_that_lost_the_session_is_published_anew_at_QoS_1_and_unknown_at_QoS_2(MqttProtocolVersion version)
    {
        await using var server = await StartAsync(keeps: false);
        await using var client = await Returning.ConnectAsync($"mqtt://127.0.0.1:{server.Port}", version);
        await using var subscription = await client.Client.SubscribeAsync("#", QualityOfService.ExactlyOnce);

        // It is there, and does not get to read it.
        await server.SignalAsync("STOP");
        var one = client.Client.PublishAsync("1", "again", QualityOfService.AtLeastOnce).AsTask();
        var two = client.Client.PublishAsync("2", "unknown", QualityOfService.ExactlyOnce).AsTask();
        server.Kill();
        await server.StartAgainAsync();

        (await one.WaitAsync(RunningProgram.Patience)).ReasonCode.Should().Be(ReasonCode.Success);
        await FluentActions.Awaiting(() => two.WaitAsync(RunningProgram.Patience)).Should().ThrowAsync<MqttConnectionException>().WithMessage("*unknown*");
        (await subscription.NextAsync(1)).Should().Equal("again");
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V310, false)]
    [InlineData(MqttProtocolVersion.V311, false)]
    [InlineData(MqttProtocolVersion.V311, true)]
    public async Task Subscriptions_are_made_anew_at_aedes_which_forgets(MqttProtocolVersion version, bool byWebSocket)
    {
        await using var server = await AedesServer.StartAsync();
        await using var client = await Returning.ConnectAsync(byWebSocket ? $"ws://127.0.0.1:{server.WebSocketPort}" : $"mqtt://127.0.0.1:{server.Port}", version);
        await using var subscription = await client.Client.SubscribeAsync("a", QualityOfService.ExactlyOnce);
        await server.SubscribedAsync(Returning.ClientId);

        await server.StopAsync();
        await server.StartAgainAsync();

        (await client.ConnectedAsync()).SessionPresent.Should().BeFalse();
        await server.SubscribedAsync(Returning.ClientId);
        await using var publisher = await OurClient.ConnectAsync($"mqtt://127.0.0.1:{server.Port}", version);
        await publisher.PublishAsync("a", "afterwards", QualityOfService.AtLeastOnce);
        (await subscription.NextAsync(1)).Should().Equal("afterwards");
    }

    private Task<DebianMosquitto> StartAsync(bool keeps) =>
        DebianMosquitto.StartAsync(["max_inflight_messages 1000", .. keeps ? [$"persistence true", $"persistence_location {folder.FullName}/"] : Array.Empty<string>()]);

    private static async Task PublishAsync(DebianMosquitto server, MqttProtocolVersion version, string text, string topic = "a")
    {
        await using var publisher = await OurClient.ConnectAsync($"mqtt://127.0.0.1:{server.Port}", version);
        await publisher.PublishAsync(topic, text, QualityOfService.ExactlyOnce);
    }

    private static async Task<List<string>> UpToEndAsync(MqttSubscription subscription)
    {
        var texts = new List<string>();
        while ((await subscription.NextAsync(1))[0] is var text && text != "end")
            texts.Add(text);
        return texts;
    }

    /// <summary>A client that keeps its session and comes back when it is let.</summary>
    private sealed class Returning : IAsyncDisposable
    {
        public const string ClientId = "returning";

        private readonly SemaphoreSlim returns = new(0);
        private volatile TaskCompletionSource door = new();
        private MqttConnectResult? latest;

        private Returning(string address, MqttProtocolVersion version)
        {
            door.SetResult();
            Client = new MqttClient(new MqttClientOptions
            {
                Server = new Uri(address),
                ProtocolVersion = version,
                ClientId = ClientId,
                Reconnect = new() { Delay = TimeSpan.FromMilliseconds(20), MaximumDelay = TimeSpan.FromMilliseconds(100) },
                ConnectCallback = DialAsync,
            });
            Client.Happened += (_, what) =>
            {
                if (what is not MqttConnectedEvent connected)
                    return;
                Volatile.Write(ref latest, connected.Result);
                returns.Release();
            };
        }

        public MqttClient Client { get; }

        public static async Task<Returning> ConnectAsync(string address, MqttProtocolVersion version)
        {
            var returning = new Returning(address, version);
            await returning.Client.ConnectAsync(TestContext.Current.CancellationToken);
            await returning.ConnectedAsync();
            return returning;
        }

        public void StayOut() => door = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void ComeBack() => door.SetResult();

        /// <summary>What the server said when it accepted the next connection; each is waited for once.</summary>
        public async Task<MqttConnectResult> ConnectedAsync()
        {
            (await returns.WaitAsync(RunningProgram.Patience)).Should().BeTrue("the client comes back");
            return Volatile.Read(ref latest)!;
        }

        public async ValueTask DisposeAsync()
        {
            door.TrySetResult();
            await Client.DisposeAsync();
            returns.Dispose();
        }

        private async ValueTask<Stream> DialAsync(EndPoint endPoint, CancellationToken cancellationToken)
        {
            await door.Task.WaitAsync(cancellationToken);
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(endPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }
    }
}
