namespace Mqtt.Client.Tests;

public class KeepAliveTests
{
    [Theory, Spec(V5, "3.1.2-20"), Spec(V311, "3.1.2-23")]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task An_idle_connection_sends_PINGREQ_within_the_keep_alive(MqttProtocolVersion version)
    {
        await using var scene = await Scene.ConnectedAsync(version: version);
        for (var i = 0; i < 3; i++)
        {
            scene.Time.Advance(TimeSpan.FromSeconds(60));
            await scene.Server.ExpectAsync<PingReqPacket>();
            await scene.Server.SendAsync(new PingRespPacket());
            await scene.NothingMoreAsync();
        }
    }

    [Fact]
    public async Task A_connection_that_sends_and_receives_needs_no_PINGREQ()
    {
        await using var scene = await Scene.ConnectedAsync();
        for (var i = 0; i < 10; i++)
        {
            await scene.NothingMoreAsync();
            scene.Time.Advance(TimeSpan.FromSeconds(29));
        }
    }

    [Fact]
    public async Task A_connection_that_only_sends_is_checked_too()
    {
        await using var scene = await Scene.ConnectedAsync();
        await scene.NothingMoreAsync();
        scene.Time.Advance(TimeSpan.FromSeconds(30));
        await scene.Client.PublishAsync("a", "1");
        await scene.Server.ExpectAsync<PublishPacket>();
        scene.Time.Advance(TimeSpan.FromSeconds(30));

        await scene.Server.ExpectAsync<PingReqPacket>();
    }

    [Fact, Spec(V5, "3.1.2-21"), Spec(V5, "3.2.2-21")]
    public async Task The_keep_alive_of_the_server_takes_the_place_of_ours()
    {
        await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { ServerKeepAlive = 10 });
        scene.Time.Advance(TimeSpan.FromSeconds(10));

        await scene.Server.ExpectAsync<PingReqPacket>();
    }

    [Fact]
    public async Task A_keep_alive_of_zero_sends_nothing()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { KeepAlive = TimeSpan.Zero });
        scene.Time.Advance(TimeSpan.FromDays(1));

        await scene.NothingMoreAsync();
    }

    [Fact]
    public async Task A_PINGRESP_that_does_not_come_in_time_ends_the_connection_whatever_else_comes()
    {
        await using var scene = await Scene.ConnectedAsync();
        scene.Time.Advance(TimeSpan.FromSeconds(60));
        await scene.Server.ExpectAsync<PingReqPacket>();
        scene.Time.Advance(TimeSpan.FromSeconds(19));
        await scene.NothingMoreAsync();
        scene.Client.IsConnected.Should().BeTrue();
        scene.Time.Advance(TimeSpan.FromSeconds(1));

        var cause = await scene.Ended.Task.Soon();
        (cause.Origin, cause.ReasonCode).Should().Be((MqttDisconnectOrigin.Network, ReasonCode.KeepAliveTimeout));
        scene.Client.IsConnected.Should().BeFalse();
        await scene.Server.ExpectEndAsync();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(60)]
    [InlineData(600)]
    public async Task A_peer_that_has_gone_silently_is_found_within_one_and_a_half_keep_alives_whenever_it_went(int keepAliveSeconds)
    {
        var keepAlive = TimeSpan.FromSeconds(keepAliveSeconds);
        for (var phase = 0; phase < 8; phase++)
        {
            foreach (var isSending in new[] { false, true })
            {
                await using var scene = await Scene.ConnectedAsync(options => options with { KeepAlive = keepAlive });
                scene.Time.Advance(keepAlive / 16 * phase);
                await scene.NothingMoreAsync();
                for (var i = 0; i < 48 && scene.Client.IsConnected; i++)
                {
                    if (isSending)
                        await scene.Client.PublishAsync("a", "1").AsTask().ContinueWith(_ => { }, TaskScheduler.Default);
                    scene.Time.Advance(keepAlive / 32);
                }

                (await scene.Ended.Task.Soon()).ReasonCode.Should().Be(ReasonCode.KeepAliveTimeout, "its last byte came {0} sixteenths into the connection", phase);
            }
        }
    }

    [Theory]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public async Task An_acknowledgement_that_does_not_come_in_time_ends_the_connection_and_nothing_was_sent_again(QualityOfService qualityOfService)
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { KeepAlive = TimeSpan.Zero });
        var publishing = scene.Client.PublishAsync("a", "1", qualityOfService).AsTask();
        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        scene.Time.Advance(TimeSpan.FromSeconds(59));
        await scene.NothingMoreAsync();
        if (qualityOfService == QualityOfService.ExactlyOnce)
        {
            await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
            await scene.Server.ExpectAsync<PubRelPacket>();
            scene.Time.Advance(TimeSpan.FromSeconds(59));
            await scene.NothingMoreAsync();
        }

        scene.Time.Advance(TimeSpan.FromSeconds(16));
        await FluentActions.Awaiting(() => publishing.Soon()).Should().ThrowAsync<MqttConnectionException>();
        (await scene.Ended.Task.Soon()).Origin.Should().Be(MqttDisconnectOrigin.Network);
    }

    [Fact]
    public async Task Time_spent_waiting_for_the_window_does_not_count_as_waiting_for_an_acknowledgement()
    {
        await using var scene = await Scene.ConnectedAsync(options => options with { KeepAlive = TimeSpan.Zero }, answer: new ConnAckPacket { ReceiveMaximum = 1 });
        var publishing = new[] { "1", "2", "3" }.Select(text => scene.Client.PublishAsync("a", text, QualityOfService.AtLeastOnce).AsTask()).ToArray();
        foreach (var task in publishing)
        {
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            scene.Time.Advance(TimeSpan.FromSeconds(50));
            await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
            (await task.Soon()).EnsureSuccess();
        }
    }

    [Fact]
    public async Task No_timer_outlives_the_connection()
    {
        await using var scene = await Scene.ConnectedAsync();
        scene.Time.TimerCount.Should().BePositive();
        await scene.BreakAsync();

        scene.Time.TimerCount.Should().Be(0);
    }
}
