namespace Mqtt.Client.Tests;

public class DisconnectTests
{
    [Theory, Spec(V5, "3.14.4-1"), Spec(V5, "3.14.4-2"), Spec(V311, "3.14.4-1"), Spec(V311, "3.14.4-2")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task DISCONNECT_is_the_last_packet_and_closes_the_connection(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        await scene.Client.PublishAsync("a", "last");
        var disconnecting = scene.Client.DisconnectAsync().AsTask();
        await scene.Server.ExpectAsync<PublishPacket>();
        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.NormalDisconnection);
        await scene.Server.SendAsync(new PublishPacket { Topic = "a", QualityOfService = QualityOfService.AtLeastOnce, PacketId = 1 });
        await scene.Server.ExpectEndAsync();
        scene.Server.CompleteWriting();
        await disconnecting.Soon();

        scene.Client.IsConnected.Should().BeFalse();
        var cause = await scene.Ended.Task.Soon();
        (cause.Origin, cause.ReasonCode).Should().Be((MqttDisconnectOrigin.Client, ReasonCode.NormalDisconnection));
        await FluentActions.Awaiting(() => scene.Client.PublishAsync("a", "x").Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task DISCONNECT_carries_what_it_is_given()
    {
        await using var scene = await Scene.ConnectedAsync();
        var disconnecting = scene.Client.DisconnectAsync(new DisconnectPacket
        {
            ReasonCode = ReasonCode.DisconnectWithWillMessage,
            ReasonString = "bye",
            SessionExpiryInterval = 5,
        }).AsTask();
        var packet = await scene.Server.ExpectAsync<DisconnectPacket>();
        scene.Server.CompleteWriting();
        await disconnecting.Soon();

        packet.ReasonCode.Should().Be(ReasonCode.DisconnectWithWillMessage);
        packet.ReasonString.ToString().Should().Be("bye");
        packet.SessionExpiryInterval.Should().Be(5);
    }

    [Fact]
    public async Task A_server_that_does_not_close_its_side_is_waited_for_only_so_long()
    {
        await using var scene = await Scene.ConnectedAsync();
        var disconnecting = scene.Client.DisconnectAsync().AsTask();
        await scene.Server.ExpectAsync<DisconnectPacket>();
        disconnecting.IsCompleted.Should().BeFalse();
        scene.Time.Advance(TimeSpan.FromSeconds(5));

        await disconnecting.Soon();
    }

    [Fact]
    public async Task Disconnecting_without_a_connection_is_harmless()
    {
        await using var scene = Scene.Begin();

        await scene.Client.DisconnectAsync().Soon();
    }

    [Fact]
    public async Task The_reason_of_a_server_that_disconnects_is_told()
    {
        await using var scene = await Scene.ConnectedAsync();
        await scene.Server.SendAsync(new DisconnectPacket
        {
            ReasonCode = ReasonCode.ServerMoved,
            ReasonString = "we moved",
            ServerReference = "elsewhere",
            UserProperties = [("a", "b")],
        });

        var cause = await scene.Ended.Task.Soon();
        cause.Origin.Should().Be(MqttDisconnectOrigin.Server);
        cause.ReasonCode.Should().Be(ReasonCode.ServerMoved);
        cause.ReasonString.Should().Be("we moved");
        cause.ServerReference.Should().Be("elsewhere");
        cause.UserProperties["a"]!.Value.ToString().Should().Be("b");
        await scene.Server.ExpectEndAsync();
        scene.Client.IsConnected.Should().BeFalse();
    }

    [Fact]
    public async Task A_server_that_closes_without_a_word_is_told_as_the_network()
    {
        await using var scene = await Scene.ConnectedAsync();
        scene.Server.CompleteWriting();

        (await scene.Ended.Task.Soon()).Origin.Should().Be(MqttDisconnectOrigin.Network);
        await scene.Server.ExpectEndAsync();
    }

    [Theory, Spec(V5, "4.13.2-1"), Spec(V311, "4.8.0-1")]
    [InlineData(MqttProtocolVersion.V311, "3603000000", ReasonCode.MalformedPacket)] // QoS 3
    [InlineData(MqttProtocolVersion.V500, "3603000000", ReasonCode.MalformedPacket)]
    [InlineData(MqttProtocolVersion.V500, "30FFFFFFFF01", ReasonCode.MalformedPacket)]
    [InlineData(MqttProtocolVersion.V500, "8206000100000161", ReasonCode.ProtocolError)] // a SUBSCRIBE
    [InlineData(MqttProtocolVersion.V500, "D100", ReasonCode.MalformedPacket)]
    public async Task Bytes_that_are_no_packet_are_answered_with_DISCONNECT_in_5_0_and_close_the_connection(MqttProtocolVersion version, string bytes, ReasonCode reasonCode)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        await scene.Server.SendBytesAsync(Convert.FromHexString(bytes));
        if (version == MqttProtocolVersion.V500)
            (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(reasonCode);
        await scene.Server.ExpectEndAsync();
        scene.Server.CompleteWriting();

        var cause = await scene.Ended.Task.Soon();
        (cause.Origin, cause.ReasonCode).Should().Be((MqttDisconnectOrigin.ProtocolError, reasonCode));
        cause.Exception.Should().BeOfType<MqttProtocolException>();
    }

    [Fact]
    public async Task A_packet_larger_than_we_accept_is_refused_as_soon_as_its_length_is_known()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Limits = new MqttClientLimits { MaximumPacketSizeBytes = 100 } });
        await scene.Server.SendBytesAsync(new byte[] { 0x30, 0xFF, 0xFF, 0xFF, 0x7F });

        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.PacketTooLarge);
        await scene.Server.ExpectEndAsync();
    }

    [Fact]
    public async Task AUTH_on_a_connection_without_a_method_is_a_protocol_error()
    {
        await using var scene = await Scene.ConnectedAsync();
        await scene.Server.SendAsync(new AuthPacket { ReasonCode = ReasonCode.Success, AuthenticationMethod = "PLAIN" });

        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
    }

    [Fact]
    public async Task A_server_that_sends_without_reading_is_cut_off()
    {
        await using var scene = Scene.Begin(options => options with { Limits = new MqttClientLimits { OutboxBytes = 1 } }, capacityBytes: 16);
        await scene.ConnectAsync();
        var packet = new byte[16 * 1024];
        for (var at = 0; at < packet.Length; at += 4)
            (packet[at], packet[at + 1], packet[at + 2], packet[at + 3]) = (0x62, 0x02, 0x00, 0x01);

        await FluentActions.Awaiting(async () =>
        {
            for (var i = 0; i < 1000; i++)
                await scene.Server.SendBytesAsync(packet);
        }).Should().ThrowAsync<ScriptFailedException>();
        (await scene.Ended.Task.Soon()).Exception!.Message.Should().Contain("does not read");
    }

    [Fact]
    public async Task A_handler_of_the_end_may_connect_again()
    {
        await using var scene = await Scene.ConnectedAsync();
        var connecting = new TaskCompletionSource<Task<MqttConnectResult>>();
        scene.Client.Happened += (_, what) =>
        {
            if (what is MqttDisconnectedEvent)
                connecting.TrySetResult(scene.Client.ConnectAsync().AsTask());
        };
        await scene.BreakAsync();
        var again = await connecting.Task.Soon();
        await scene.Dialled().AcceptAsync();

        (await again.Soon()).Should().NotBeNull();
    }

    [Fact]
    public async Task A_handler_of_the_end_that_throws_is_logged()
    {
        await using var scene = await Scene.ConnectedAsync();
        scene.Client.Happened += (_, what) => _ = what is MqttDisconnectedEvent ? throw new InvalidOperationException("oh") : 0;
        await scene.BreakAsync();
        await scene.Client.DisposeAsync();

        (await scene.ErrorAsync()).Should().Contain("oh");
    }

    [Fact]
    public async Task Disposing_disconnects_ends_streams_and_fails_whoever_waits()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { Reconnect = Scene.AtOnce });
        var subscription = await scene.SubscribedAsync("a");
        await using var messages = subscription.GetAsyncEnumerator();
        var waiting = messages.MoveNextAsync().AsTask();
        var publishing = scene.Client.PublishAsync("a", "x", QualityOfService.AtLeastOnce).AsTask();
        await scene.Server.ExpectAsync<PublishPacket>();
        var disposing = scene.Client.DisposeAsync().AsTask();
        (await scene.Server.ExpectAsync<DisconnectPacket>()).SessionExpiryInterval.Should().BeNull();
        scene.Server.CompleteWriting();
        await disposing.Soon();

        (await waiting.Soon()).Should().BeFalse();
        await FluentActions.Awaiting(() => publishing.Soon()).Should().ThrowAsync<ObjectDisposedException>();
        await FluentActions.Awaiting(() => scene.Client.ConnectAsync().Soon()).Should().ThrowAsync<ObjectDisposedException>();
        FluentActions.Invoking(() => scene.Client.Subscribe("a")).Should().Throw<ObjectDisposedException>();
        await scene.Client.DisconnectAsync().Soon();
        await subscription.DisposeAsync();
    }

    [Fact]
    public async Task Disposing_ends_the_session_of_a_generated_identifier_that_nobody_can_resume()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { ClientId = null });
        var disposing = scene.Client.DisposeAsync().AsTask();
        (await scene.Server.ExpectAsync<DisconnectPacket>()).SessionExpiryInterval.Should().Be(0);
        scene.Server.CompleteWriting();
        await disposing.Soon();
    }

    [Fact]
    public async Task Disposing_ends_an_attempt_to_connect()
    {
        await using var scene = Scene.Begin();
        var connecting = scene.Client.ConnectAsync().AsTask();
        await scene.Dialled().ExpectAsync<ConnectPacket>();
        await scene.Client.DisposeAsync();

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<ObjectDisposedException>();
    }
}
