using System.Net;
using System.Net.Sockets;

namespace Mqtt.Client.Tests;

/// <summary>Several servers, each a listening socket: which of them is dialled is the point.</summary>
public sealed class FailoverTests : IAsyncDisposable
{
    private readonly VirtualTime time = new();
    private readonly TcpListener one = new(IPAddress.Loopback, 0);
    private readonly TcpListener other = new(IPAddress.Loopback, 0);
    private readonly List<ScriptedPeer> peers = [];
    private MqttClient? client;

    public FailoverTests()
    {
        one.Start();
        other.Start();
    }

    [Fact]
    public async Task Servers_are_tried_in_turn_within_one_attempt_and_the_one_that_worked_comes_first()
    {
        client = Client(options => options with { Servers = [Address(one), Address(other)] });
        var connecting = client.ConnectAsync().AsTask();
        await (await AcceptAsync(one)).AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.ServerUnavailable });
        var peer = await AcceptAsync(other);
        await peer.AcceptAsync();
        await connecting.Soon();

        peer.Abort();
        peer = await AcceptAsync(other);
        await peer.AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.ServerBusy });
        await (await AcceptAsync(one)).AcceptAsync();
    }

    [Fact]
    public async Task A_server_that_does_not_answer_in_time_is_passed_over()
    {
        client = Client(options => options with { Servers = [Address(one), Address(other)] });
        var connecting = client.ConnectAsync().AsTask();
        await (await AcceptAsync(one)).ExpectAsync<ConnectPacket>();
        time.Advance(TimeSpan.FromSeconds(30));
        await (await AcceptAsync(other)).AcceptAsync();

        await connecting.Soon();
    }

    [Fact]
    public async Task A_refusal_of_who_we_are_holds_for_all_servers()
    {
        client = Client(options => options with { Servers = [Address(one), Address(other)] });
        var connecting = client.ConnectAsync().AsTask();
        await (await AcceptAsync(one)).AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.NotAuthorized });

        (await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        other.Pending().Should().BeFalse();
    }

    [Theory]
    [InlineData(ReasonCode.UseAnotherServer)]
    [InlineData(ReasonCode.ServerMoved)]
    public async Task A_server_reference_is_followed_to_a_server_that_is_allowed(ReasonCode reasonCode)
    {
        client = Client(options => options with { Server = Address(one), Reconnect = options.Reconnect with { AllowedReferences = ["127.0.0.1"] } });
        var connecting = client.ConnectAsync().AsTask();
        await (await AcceptAsync(one)).AcceptAsync(new ConnAckPacket { ReasonCode = reasonCode, ServerReference = $"elsewhere.example {Reference(other)}" });
        var peer = await AcceptAsync(other);
        (await peer.AcceptAsync()).UserName.ToString().Should().Be("user", "the credentials go along");
        await connecting.Soon();

        peer.Abort();
        await (await AcceptAsync(reasonCode == ReasonCode.ServerMoved ? other : one)).AcceptAsync();
    }

    [Fact]
    public async Task A_server_reference_in_DISCONNECT_is_followed_as_well()
    {
        client = Client(options => options with { Server = Address(one), Reconnect = options.Reconnect with { AllowedReferences = [Reference(other)] } });
        var connecting = client.ConnectAsync().AsTask();
        var peer = await AcceptAsync(one);
        await peer.AcceptAsync();
        await connecting.Soon();
        await peer.SendAsync(new DisconnectPacket { ReasonCode = ReasonCode.ServerMoved, ServerReference = Reference(other) });

        await (await AcceptAsync(other)).AcceptAsync();
    }

    [Theory]
    [InlineData("")]
    [InlineData("127.0.0.1:1")]
    [InlineData("*.0.0.1")]
    [InlineData("localhost")]
    public async Task A_server_reference_to_any_other_server_is_not_followed(string allowed)
    {
        client = Client(options => options with { Server = Address(one), Reconnect = options.Reconnect with { AllowedReferences = [allowed] } });
        var connecting = client.ConnectAsync().AsTask();
        await (await AcceptAsync(one)).AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.UseAnotherServer, ServerReference = Reference(other) });

        var refused = await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttRefusedException>();
        refused.Which.ServerReference.Should().Be(Reference(other));
        other.Pending().Should().BeFalse();
    }

    [Fact]
    public async Task Servers_that_send_a_client_to_each_other_do_not_keep_it_going_for_ever()
    {
        client = Client(options => options with { Server = Address(one), Reconnect = new() { Enabled = false, AllowedReferences = ["127.0.0.1"] } });
        var connecting = client.ConnectAsync().AsTask();
        for (var i = 0; i < 4; i++)
        {
            var (here, there) = i % 2 == 0 ? (one, other) : (other, one);
            await (await AcceptAsync(here)).AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.UseAnotherServer, ServerReference = Reference(there) });
        }

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttRefusedException>();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in peers)
            peer.Abort();
        if (client is not null)
            await client.DisposeAsync();
        one.Dispose();
        other.Dispose();
    }

    private static Uri Address(TcpListener listener) => new($"mqtt://user:secret@{Reference(listener)}");

    private static string Reference(TcpListener listener) => listener.LocalEndpoint.ToString()!;

    private MqttClient Client(Func<MqttClientOptions, MqttClientOptions> change) =>
        new(change(new MqttClientOptions { TimeProvider = time, Reconnect = Scene.AtOnce }));

    private async Task<ScriptedPeer> AcceptAsync(TcpListener listener)
    {
        var socket = await listener.AcceptSocketAsync().Soon();
        peers.Add(new ScriptedPeer(new StreamChannel(new NetworkStream(socket, ownsSocket: true), () => socket.Shutdown(SocketShutdown.Send)), MqttSender.Server));
        return peers[^1];
    }
}
