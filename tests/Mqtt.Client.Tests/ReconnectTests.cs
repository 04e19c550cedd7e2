using Polly;
using Polly.Retry;

namespace Mqtt.Client.Tests;

public class ReconnectTests
{
    private static readonly MqttClientReconnect Defaults = new();

    private static readonly ConnAckPacket Resumed = new() { SessionPresent = true };

    [Fact]
    public async Task A_lost_connection_is_made_again_and_everything_is_told_in_order()
    {
        await using var scene = await ReconnectingAsync();
        scene.Client.State.Should().Be(MqttClientState.Connected);
        var connected = await scene.HappenedAsync<MqttConnectedEvent>();
        (connected.State, connected.Result.SessionPresent).Should().Be((MqttClientState.Connected, false));
        scene.Server.Abort();

        var lost = await scene.HappenedAsync<MqttDisconnectedEvent>();
        (lost.State, lost.Cause.Origin).Should().Be((MqttClientState.Reconnecting, MqttDisconnectOrigin.Network));
        lost.RetryIn.Should().BeGreaterThanOrEqualTo(TimeSpan.FromSeconds(0.5)).And.BeLessThanOrEqualTo(TimeSpan.FromSeconds(1));
        scene.HasDialled.Should().BeFalse("a server that restarts is not stormed");
        await scene.WaitForRetryAsync(lost.RetryIn);
        await scene.Dialled().AcceptAsync(Resumed);

        connected = await scene.HappenedAsync<MqttConnectedEvent>();
        (connected.State, connected.Result.SessionPresent).Should().Be((MqttClientState.Connected, true));
        scene.Client.State.Should().Be(MqttClientState.Connected);
    }

    [Fact]
    public async Task Delays_double_up_to_the_longest_and_up_to_half_of_each_is_left_out()
    {
        await using var scene = await ReconnectingAsync();
        await scene.HappenedAsync<MqttConnectedEvent>();
        scene.Server.Abort();
        var delay = (await scene.HappenedAsync<MqttDisconnectedEvent>()).RetryIn;
        for (var attempt = 1; attempt <= 10; attempt++)
        {
            await scene.WaitForRetryAsync(delay);
            scene.Dialled().Abort();
            var failed = await scene.HappenedAsync<MqttConnectFailedEvent>();
            (failed.Attempt, failed.State).Should().Be((attempt, MqttClientState.Reconnecting));
            failed.Error.Should().BeOfType<MqttConnectionException>();
            delay = failed.RetryIn;
            var longest = TimeSpan.FromSeconds(Math.Min(60, Math.Pow(2, attempt)));
            delay.Should().BeGreaterThanOrEqualTo(longest / 2).And.BeLessThanOrEqualTo(longest);
        }
    }

    [Fact]
    public async Task A_server_that_accepts_and_ends_the_connection_at_once_is_asked_ever_more_rarely()
    {
        await using var scene = await ReconnectingAsync();
        await scene.HappenedAsync<MqttConnectedEvent>();
        for (var round = 0; round < 6; round++)
        {
            scene.Server.Abort();
            var lost = await scene.HappenedAsync<MqttDisconnectedEvent>();
            lost.RetryIn.Should().BeGreaterThanOrEqualTo(TimeSpan.FromSeconds(Math.Pow(2, round) / 2));
            await scene.WaitForRetryAsync(lost.RetryIn);
            await scene.Dialled().AcceptAsync();
            await scene.HappenedAsync<MqttConnectedEvent>();
        }

        scene.Time.Advance(TimeSpan.FromSeconds(29.9));
        await scene.NothingMoreAsync();
        scene.Time.Advance(TimeSpan.FromSeconds(10));
        scene.Server.Abort();
        (await scene.HappenedAsync<MqttDisconnectedEvent>()).RetryIn.Should().BeLessThanOrEqualTo(TimeSpan.FromSeconds(1), "the connection has lasted");
    }

    [Fact]
    public async Task Credentials_are_asked_for_anew_each_time_and_an_attempt_that_gets_none_fails()
    {
        Queue<Func<MqttCredentials>> answers = new([
            static () => new("user", "first"), static () => throw new InvalidOperationException("no token today"), static () => new("user", "third")]);
        await using var scene = Scene.Begin(options => options with { Reconnect = Defaults, CredentialsCallback = _ => new(answers.Dequeue()()) });
        var connecting = scene.Client.ConnectAsync();
        (await scene.Dialled().AcceptAsync()).Password!.Value.ToArray().Should().Equal("first"u8.ToArray());
        await connecting.Soon();
        await scene.HappenedAsync<MqttConnectedEvent>();
        scene.Server.Abort();

        await scene.WaitForRetryAsync((await scene.HappenedAsync<MqttDisconnectedEvent>()).RetryIn);
        var failed = await scene.HappenedAsync<MqttConnectFailedEvent>();
        failed.Error.Should().BeOfType<MqttConnectionException>().Which.Message.Should().Contain("no token today");
        scene.HasDialled.Should().BeFalse();

        await scene.WaitForRetryAsync(failed.RetryIn);
        (await scene.Dialled().AcceptAsync()).Password!.Value.ToArray().Should().Equal("third"u8.ToArray());
    }

    [Fact]
    public async Task It_can_be_switched_off()
    {
        await using var scene = await Scene.ConnectedAsync();
        await scene.HappenedAsync<MqttConnectedEvent>();
        scene.Server.Abort();
        var ended = await scene.HappenedAsync<MqttDisconnectedEvent>();

        (ended.State, ended.RetryIn).Should().Be((MqttClientState.Disconnected, null));
        scene.Time.Advance(TimeSpan.FromDays(1));
        scene.HasDialled.Should().BeFalse();
    }

    [Fact]
    public async Task The_first_connection_is_tried_once_unless_asked_otherwise()
    {
        await using var scene = Scene.Begin(options => options with { Reconnect = Defaults });
        var connecting = scene.Client.ConnectAsync().AsTask();
        scene.Client.State.Should().Be(MqttClientState.Connecting);
        scene.Dialled().Abort();

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>();
        scene.Client.State.Should().Be(MqttClientState.Disconnected);
        (await scene.HappenedAsync<MqttConnectFailedEvent>()).RetryIn.Should().BeNull();
        scene.Time.Advance(TimeSpan.FromDays(1));
        scene.HasDialled.Should().BeFalse();
    }

    [Fact]
    public async Task The_first_connection_is_tried_again_on_request()
    {
        await using var scene = Scene.Begin(options => options with { Reconnect = Defaults with { RetryFirstConnect = true } });
        var connecting = scene.Client.ConnectAsync().AsTask();
        scene.Dialled().Abort();
        var failed = await scene.HappenedAsync<MqttConnectFailedEvent>();
        (failed.State, failed.Attempt).Should().Be((MqttClientState.Connecting, 1));
        failed.RetryIn.Should().BeLessThanOrEqualTo(TimeSpan.FromSeconds(1));
        await scene.WaitForRetryAsync(failed.RetryIn);
        await scene.Dialled().AcceptAsync();

        (await connecting.Soon()).Should().NotBeNull();
    }

    [Theory]
    [InlineData(ReasonCode.MalformedPacket)]
    [InlineData(ReasonCode.ProtocolError)]
    [InlineData(ReasonCode.UnsupportedProtocolVersion)]
    [InlineData(ReasonCode.ClientIdentifierNotValid)]
    [InlineData(ReasonCode.BadUserNameOrPassword)]
    [InlineData(ReasonCode.NotAuthorized)]
    [InlineData(ReasonCode.Banned)]
    [InlineData(ReasonCode.BadAuthenticationMethod)]
    [InlineData(ReasonCode.TopicNameInvalid)]
    [InlineData(ReasonCode.PacketTooLarge)]
    [InlineData(ReasonCode.PayloadFormatInvalid)]
    [InlineData(ReasonCode.RetainNotSupported)]
    [InlineData(ReasonCode.QoSNotSupported)]
    [InlineData(ReasonCode.ServerMoved)]
    public async Task A_refusal_that_would_be_the_same_again_ends_it(ReasonCode reasonCode)
    {
        await using var scene = await LostAsync();
        await scene.Dialled().AcceptAsync(new ConnAckPacket { ReasonCode = reasonCode });

        (await scene.HappenedAsync<MqttConnectFailedEvent>()).RetryIn.Should().BeNull();
        var gaveUp = await scene.HappenedAsync<MqttGaveUpEvent>();
        gaveUp.State.Should().Be(MqttClientState.Failed);
        gaveUp.Error.Should().BeOfType<MqttRefusedException>().Which.ReasonCode.Should().Be(reasonCode);
        scene.Client.State.Should().Be(MqttClientState.Failed);
        scene.Time.Advance(TimeSpan.FromDays(1));
        scene.HasDialled.Should().BeFalse();
        (await scene.ConnectAsync()).Should().NotBeNull("it may be asked to begin anew");
    }

    [Theory]
    [InlineData(ReasonCode.UnspecifiedError)]
    [InlineData(ReasonCode.ImplementationSpecificError)]
    [InlineData(ReasonCode.ServerUnavailable)]
    [InlineData(ReasonCode.ServerBusy)]
    [InlineData(ReasonCode.QuotaExceeded)]
    [InlineData(ReasonCode.UseAnotherServer)]
    [InlineData(ReasonCode.ConnectionRateExceeded)]
    public async Task A_refusal_that_may_pass_is_followed_by_another_attempt(ReasonCode reasonCode)
    {
        await using var scene = await LostAsync();
        await scene.Dialled().AcceptAsync(new ConnAckPacket { ReasonCode = reasonCode });
        await scene.WaitForRetryAsync((await scene.HappenedAsync<MqttConnectFailedEvent>()).RetryIn);
        await scene.Dialled().AcceptAsync();

        await scene.HappenedAsync<MqttConnectedEvent>();
    }

    [Theory]
    [InlineData(ReasonCode.NotAuthorized)]
    [InlineData(ReasonCode.SessionTakenOver)]
    [InlineData(ReasonCode.ServerMoved)]
    public async Task A_DISCONNECT_for_what_this_client_is_ends_it(ReasonCode reasonCode)
    {
        await using var scene = await ReconnectingAsync();
        await scene.HappenedAsync<MqttConnectedEvent>();
        await scene.Server.SendAsync(new DisconnectPacket { ReasonCode = reasonCode, ReasonString = "you" });

        (await scene.HappenedAsync<MqttDisconnectedEvent>()).Cause.ReasonCode.Should().Be(reasonCode);
        var gaveUp = await scene.HappenedAsync<MqttGaveUpEvent>();
        gaveUp.Error.Should().BeOfType<MqttRefusedException>().Which.ReasonString.Should().Be("you");
        scene.Time.Advance(TimeSpan.FromDays(1));
        scene.HasDialled.Should().BeFalse();
    }

    [Theory]
    [InlineData(ReasonCode.NormalDisconnection)]
    [InlineData(ReasonCode.ProtocolError)]
    [InlineData(ReasonCode.ServerBusy)]
    [InlineData(ReasonCode.ServerShuttingDown)]
    [InlineData(ReasonCode.KeepAliveTimeout)]
    [InlineData(ReasonCode.QuotaExceeded)]
    [InlineData(ReasonCode.AdministrativeAction)]
    [InlineData(ReasonCode.UseAnotherServer)]
    [InlineData(ReasonCode.MaximumConnectTime)]
    public async Task A_DISCONNECT_for_anything_else_is_followed_by_another_connection(ReasonCode reasonCode)
    {
        await using var scene = await ReconnectingAsync();
        await scene.HappenedAsync<MqttConnectedEvent>();
        await scene.Server.SendAsync(new DisconnectPacket { ReasonCode = reasonCode });
        var lost = await scene.HappenedAsync<MqttDisconnectedEvent>();
        lost.Cause.ReasonCode.Should().Be(reasonCode);
        await scene.WaitForRetryAsync(lost.RetryIn);
        await scene.Dialled().AcceptAsync();

        await scene.HappenedAsync<MqttConnectedEvent>();
    }

    [Fact]
    public async Task The_program_may_decide_otherwise_what_is_worth_another_attempt()
    {
        await using var scene = await LostAsync(Defaults with { ShouldRetry = error => error is not MqttRefusedException { ReasonCode: ReasonCode.ServerBusy } });
        await scene.Dialled().AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.NotAuthorized });
        await scene.WaitForRetryAsync((await scene.HappenedAsync<MqttConnectFailedEvent>()).RetryIn);
        await scene.Dialled().AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.ServerBusy });
        await scene.HappenedAsync<MqttConnectFailedEvent>();

        await scene.HappenedAsync<MqttGaveUpEvent>();
    }

    [Fact]
    public async Task After_so_many_attempts_it_gives_up_and_fails_whoever_waits()
    {
        await using var scene = await LostAsync(Defaults with { MaxAttempts = 2 });
        var publishing = scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce).AsTask();
        var subscribing = scene.Client.SubscribeAsync("a").AsTask();
        var unsubscribing = scene.Client.UnsubscribeAsync("b").AsTask();
        var connecting = scene.Client.ConnectAsync().AsTask();
        scene.Dialled().Abort();
        await scene.WaitForRetryAsync((await scene.HappenedAsync<MqttConnectFailedEvent>()).RetryIn);
        await scene.Dialled().AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.ServerBusy });
        (await scene.HappenedAsync<MqttConnectFailedEvent>()).RetryIn.Should().BeNull();
        await scene.HappenedAsync<MqttGaveUpEvent>();

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttRefusedException>();
        foreach (var task in new Task[] { publishing, subscribing, unsubscribing })
            await FluentActions.Awaiting(() => task.Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task A_pipeline_of_ones_own_decides_when_and_never_meets_an_error_that_is_final()
    {
        var seen = new List<Exception?>();
        var pipeline = new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions
        {
            Delay = TimeSpan.Zero,
            MaxRetryAttempts = int.MaxValue,
            OnRetry = args =>
            {
                seen.Add(args.Outcome.Exception);
                return default;
            },
        }).Build();
        await using var scene = await ReconnectingAsync(Defaults with { Pipeline = pipeline });
        await scene.HappenedAsync<MqttConnectedEvent>();
        scene.Server.Abort();
        (await scene.HappenedAsync<MqttDisconnectedEvent>()).RetryIn.Should().BeNull("nobody but the pipeline knows");
        await scene.Dialled().AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.ServerBusy });
        await scene.HappenedAsync<MqttConnectFailedEvent>();
        await scene.Dialled().AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.Banned });
        await scene.HappenedAsync<MqttConnectFailedEvent>();
        await scene.HappenedAsync<MqttGaveUpEvent>();

        seen.Should().HaveCount(2);
        seen[0].Should().BeOfType<MqttConnectionException>("the pipeline begins with the loss");
        seen[1].Should().BeOfType<MqttRefusedException>().Which.ReasonCode.Should().Be(ReasonCode.ServerBusy);
    }

    [Fact]
    public async Task ConnectAsync_joins_in_and_its_cancellation_leaves_the_attempts_alone()
    {
        await using var scene = await LostAsync();
        using var cancel = new CancellationTokenSource();
        var first = scene.Client.ConnectAsync().AsTask();
        var second = scene.Client.ConnectAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        await FluentActions.Awaiting(() => second.Soon()).Should().ThrowAsync<OperationCanceledException>();
        await scene.Dialled().AcceptAsync(Resumed);

        (await first.Soon()).SessionPresent.Should().BeTrue();
    }

    [Fact]
    public async Task Two_that_connect_at_once_get_the_same_connection_and_one_alone_cannot_cancel_it()
    {
        await using var scene = Scene.Begin();
        using var cancel = new CancellationTokenSource();
        var first = scene.Client.ConnectAsync(cancel.Token).AsTask();
        var second = scene.Client.ConnectAsync().AsTask();
        await cancel.CancelAsync();
        await FluentActions.Awaiting(() => first.Soon()).Should().ThrowAsync<OperationCanceledException>();
        await scene.Dialled().AcceptAsync();

        (await second.Soon()).Should().BeSameAs(scene.Client.Connection);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disconnecting_and_disposing_end_the_wait_for_an_attempt_at_once(bool dispose)
    {
        await using var scene = await ReconnectingAsync();
        await scene.HappenedAsync<MqttConnectedEvent>();
        scene.Server.Abort();
        await scene.Time.TimerWithinAsync((await scene.HappenedAsync<MqttDisconnectedEvent>()).RetryIn!.Value).Soon();
        var publishing = scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce).AsTask();
        await (dispose ? scene.Client.DisposeAsync() : scene.Client.DisconnectAsync()).Soon();

        scene.Client.State.Should().Be(dispose ? MqttClientState.Disposed : MqttClientState.Disconnected);
        scene.Time.TimerCount.Should().Be(0);
        await FluentActions.Awaiting(() => publishing.Soon()).Should().ThrowAsync<Exception>();
        scene.HasDialled.Should().BeFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disconnecting_and_disposing_end_an_attempt_at_once(bool dispose)
    {
        await using var scene = await LostAsync();
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        await (dispose ? scene.Client.DisposeAsync() : scene.Client.DisconnectAsync()).Soon();

        await server.ExpectEndAsync();
        scene.Time.TimerCount.Should().Be(0);
        if (dispose)
            await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<ObjectDisposedException>();
        else
            await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task What_is_asked_of_the_server_while_there_is_no_connection_is_asked_of_the_next_one()
    {
        await using var scene = await ReconnectingAsync();
        await using var old = await scene.SubscribedAsync("old");
        await scene.HappenedAsync<MqttConnectedEvent>();
        scene.Server.Abort();
        var lost = await scene.HappenedAsync<MqttDisconnectedEvent>();
        var subscribing = scene.Client.SubscribeAsync("new").AsTask();
        var unsubscribing = scene.Client.UnsubscribeAsync("old").AsTask();
        var publishing = scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce).AsTask();
        await FluentActions.Awaiting(() => scene.Client.PublishAsync("a", "0").Soon()).Should().ThrowAsync<MqttConnectionException>("QoS 0 is for now or never");
        await scene.WaitForRetryAsync(lost.RetryIn);
        await scene.Dialled().AcceptAsync(Resumed);

        var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
        await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });
        await scene.GrantAsync();
        var publish = await scene.Server.ExpectAsync<PublishPacket>();
        publish.Duplicate.Should().BeFalse();
        await scene.Server.SendAsync(new PubAckPacket { PacketId = publish.PacketId });
        (await unsubscribing.Soon()).Should().Be(ReasonCode.Success);
        (await publishing.Soon()).EnsureSuccess();
        (await subscribing.Soon()).ReasonCodes.Should().Equal(ReasonCode.GrantedQoS0);
        scene.Server.Abort();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Requests_whose_answers_were_lost_are_made_again(bool resumed)
    {
        await using var scene = await ReconnectingAsync();
        await using var old = await scene.SubscribedAsync("old");
        await scene.HappenedAsync<MqttConnectedEvent>();
        var subscribing = scene.Client.SubscribeAsync("new").AsTask();
        await scene.Server.ExpectAsync<SubscribePacket>();
        var unsubscribing = scene.Client.UnsubscribeAsync("old").AsTask();
        await scene.Server.ExpectAsync<UnsubscribePacket>();
        scene.Server.Abort();
        await scene.WaitForRetryAsync((await scene.HappenedAsync<MqttDisconnectedEvent>()).RetryIn);
        await scene.Dialled().AcceptAsync(new ConnAckPacket { SessionPresent = resumed });
        if (resumed)
        {
            var unsubscribe = await scene.Server.ExpectAsync<UnsubscribePacket>();
            await scene.Server.SendAsync(new UnsubAckPacket { PacketId = unsubscribe.PacketId, ReasonCodes = [ReasonCode.Success] });
        }

        await scene.GrantAsync();
        (await unsubscribing.Soon()).Should().Be(resumed ? ReasonCode.Success : ReasonCode.NoSubscriptionExisted);
        await using var messages = old.GetAsyncEnumerator();
        (await messages.MoveNextAsync().Soon()).Should().BeFalse("the subscription is over");
        await scene.NothingMoreAsync();
        (await subscribing.Soon()).ReasonCodes.Should().Equal(ReasonCode.GrantedQoS0);
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_subscription_that_cannot_be_renewed_ends_with_the_reason_which_is_told()
    {
        await using var scene = await ReconnectingAsync();
        await using var lost = await scene.SubscribedAsync("secret");
        await using var kept = await scene.SubscribedAsync("public");
        await scene.HappenedAsync<MqttConnectedEvent>();
        scene.Server.Abort();
        await scene.WaitForRetryAsync((await scene.HappenedAsync<MqttDisconnectedEvent>()).RetryIn);
        await scene.Dialled().AcceptAsync();
        await scene.HappenedAsync<MqttConnectedEvent>();
        var subscribe = await scene.Server.ExpectAsync<SubscribePacket>();
        await scene.Server.SendAsync(new SubAckPacket { PacketId = subscribe.PacketId, ReasonCodes = [ReasonCode.NotAuthorized] });
        await scene.GrantAsync();

        var refused = await scene.HappenedAsync<MqttSubscriptionRefusedEvent>();
        (refused.Filter.ToString(), refused.ReasonCode, refused.State).Should().Be(("secret", ReasonCode.NotAuthorized, MqttClientState.Connected));
        await using var messages = lost.GetAsyncEnumerator();
        (await FluentActions.Awaiting(() => messages.MoveNextAsync().Soon()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        await scene.DeliverAsync("public", "1");
        await using var others = kept.GetAsyncEnumerator();
        (await others.NextAsync()).GetText().Should().Be("1");
        scene.Server.Abort();
    }

    [Fact]
    public async Task What_a_new_server_does_not_take_is_refused_when_its_turn_comes()
    {
        await using var scene = await ReconnectingAsync();
        await scene.HappenedAsync<MqttConnectedEvent>();
        var inFlight = scene.Client.PublishAsync("a", new byte[100], QualityOfService.AtLeastOnce).AsTask();
        await scene.Server.ExpectAsync<PublishPacket>();
        scene.Server.Abort();
        var lost = await scene.HappenedAsync<MqttDisconnectedEvent>();
        var waiting = scene.Client.PublishAsync("a", "1", QualityOfService.AtLeastOnce, retain: true).AsTask();
        var good = scene.Client.PublishAsync("a", "2", QualityOfService.AtLeastOnce).AsTask();
        await scene.WaitForRetryAsync(lost.RetryIn);
        await scene.Dialled().AcceptAsync(new ConnAckPacket { SessionPresent = true, MaximumPacketSize = 100, RetainAvailable = false });

        var packet = await scene.Server.ExpectAsync<PublishPacket>();
        packet.Payload.ToArray().Should().Equal("2"u8.ToArray());
        await scene.Server.SendAsync(new PubAckPacket { PacketId = packet.PacketId });
        (await good.Soon()).EnsureSuccess();
        (await FluentActions.Awaiting(() => inFlight.Soon()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.PacketTooLarge);
        (await FluentActions.Awaiting(() => waiting.Soon()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.RetainNotSupported);
    }

    [Fact]
    public async Task A_handler_that_throws_to_get_its_message_again_gets_it_on_the_next_connection()
    {
        await using var scene = await ReconnectingAsync(Defaults, MqttHandlerFailure.Disconnect);
        await scene.HappenedAsync<MqttConnectedEvent>();
        var handled = new TaskCompletionSource();
        var isFirst = true;
        await using var subscription = await scene.SubscribedAsync("a", (_, _) =>
        {
            if (!isFirst)
                handled.SetResult();
            else if (!(isFirst = false))
                throw new InvalidOperationException("not now");
        });
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1);
        await scene.WaitForRetryAsync((await scene.HappenedAsync<MqttDisconnectedEvent>()).RetryIn);
        await scene.Dialled().AcceptAsync(Resumed);
        await scene.DeliverAsync("a", "1", QualityOfService.AtLeastOnce, 1, duplicate: true);

        await handled.Task.Soon();
        (await scene.Server.ExpectAsync<PubAckPacket>()).PacketId.Should().Be(1);
        await scene.ErrorAsync();
        scene.Server.Abort();
    }

    [Theory]
    [InlineData("Reconnect.Delay", 0, 60)]
    [InlineData("Reconnect.Delay", 86_401, 86_401)]
    [InlineData("Reconnect.MaximumDelay", 2, 1)]
    public void Delays_that_cannot_be_are_refused(string name, int delay, int maximum)
    {
        FluentActions.Invoking(() => new MqttClient(new MqttClientOptions
        {
            Reconnect = new() { Delay = TimeSpan.FromSeconds(delay), MaximumDelay = TimeSpan.FromSeconds(maximum) },
        })).Should().Throw<ArgumentException>().WithMessage($"*{name} *");
    }

    private static Task<Scene> ReconnectingAsync(MqttClientReconnect? reconnect = null, MqttHandlerFailure failure = default) =>
        Scene.ConnectedAsync(options => options with { Reconnect = reconnect ?? Defaults, HandlerFailure = failure });

    /// <summary>A client that has lost its connection, and is at its first attempt to get another.</summary>
    private static async Task<Scene> LostAsync(MqttClientReconnect? reconnect = null)
    {
        var scene = await ReconnectingAsync(reconnect);
        await scene.HappenedAsync<MqttConnectedEvent>();
        scene.Server.Abort();
        await scene.WaitForRetryAsync((await scene.HappenedAsync<MqttDisconnectedEvent>()).RetryIn);
        return scene;
    }
}
