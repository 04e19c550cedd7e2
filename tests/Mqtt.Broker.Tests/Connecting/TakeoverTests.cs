namespace Mqtt.Broker.Tests;

public abstract class TakeoverTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : TakeoverTests(StoreKind.None);

    public sealed class WithMemoryStore() : TakeoverTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : TakeoverTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "3.1.4-2")]
    [Spec(V5, "3.1.4-3")]
    public void An_older_connection_of_the_client_is_told_and_closed(MqttProtocolVersion version)
    {
        var old = Connect("client", version);

        var young = Connect("client", version);

        old.ExpectGoodbye(ReasonCode.SessionTakenOver);
        young.ExpectNothing();
        Broker.SessionCount.Should().Be(1);
    }

    [Theory, Versions]
    public void The_session_goes_on_under_the_new_connection_with_what_was_unacknowledged(MqttProtocolVersion version)
    {
        var old = Resume("client", version);
        old.Subscribe("t", QoS1);
        Connect("publisher").Publish("t", "message", QoS1);
        var message = old.ReceiveOnly("t", "message");

        var young = Resume("client", version);

        var again = young.Receive("t", "message");
        again.PacketId.Should().Be(message.PacketId);
        again.Duplicate.Should().BeTrue();
        old.ExpectGoodbye(ReasonCode.SessionTakenOver);
    }

    [Theory, Versions]
    public void A_clean_start_ends_the_session_of_the_older_connection(MqttProtocolVersion version)
    {
        var old = Resume("client", version);
        old.Subscribe("t", QoS1);

        var young = Connect("client", version);

        Connect("publisher").Publish("t", "message", QoS1);
        young.ExpectNothing();
        Broker.SessionCount.Should().Be(2);
    }

    [Fact]
    public void A_session_that_would_end_with_the_older_connection_is_not_resumed()
    {
        Connect("client").Subscribe("t", QoS1);

        var young = Resume("client");

        young.Answer.SessionPresent.Should().BeFalse();
        Connect("publisher").Publish("t", "message", QoS1);
        young.ExpectNothing();
    }

    [Theory, Versions]
    public void Late_packets_of_the_older_connection_touch_nothing(MqttProtocolVersion version)
    {
        var old = Resume("client", version);
        old.Subscribe("t", QoS1);
        Connect("publisher").Publish("t", "message", QoS1);
        var message = old.ReceiveOnly("t", "message");
        var young = Resume("client", version);

        old.Send(new PubAckPacket { PacketId = message.PacketId });
        old.Send(new SubscribePacket { PacketId = 9, Subscriptions = [new("late")] });
        old.Send(new PublishPacket { Topic = "late", Payload = "late"u8.ToArray(), Retain = true });
        old.Send(new DisconnectPacket());

        young.Receive("t", "message");
        old.ExpectGoodbye(ReasonCode.SessionTakenOver);
        Broker.RetainedCount.Should().Be(0);
        young.ExpectNothing();
    }

    [Theory, Versions]
    public void The_end_of_the_older_connection_does_not_end_the_session(MqttProtocolVersion version)
    {
        var old = Resume("client", version);
        var young = Resume("client", version);
        young.Subscribe("t", QoS1);

        old.Cut();
        Advance(10);

        Connect("publisher").Publish("t", "message", QoS1);
        young.Receive("t", "message");
    }

    [Theory, Versions]
    public void Of_two_CONNECTs_of_one_client_at_once_one_wins_and_one_session_is_left(MqttProtocolVersion version)
    {
        var clients = Enumerable.Range(0, 4).Select(_ => Open(version)).ToList();

        foreach (var client in clients)
            client.Send(new ConnectPacket { Version = version, ClientId = "client", KeepAliveSeconds = 0 });
        Run();

        foreach (var client in clients)
            client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
        foreach (var client in clients.SkipLast(1))
            client.ExpectGoodbye(ReasonCode.SessionTakenOver);
        Broker.SessionCount.Should().Be(1);
        clients[^1].Subscribe("t");
        clients[^1].Publish("t", "alive");
        clients[^1].Receive("t", "alive");
    }

    [Fact]
    public void The_newcomer_does_not_wait_for_a_connection_that_takes_nothing()
    {
        var old = Resume("client");
        old.Subscribe("t");
        var publisher = Connect("publisher");
        for (var i = 0; i < 6; i++)
            publisher.Publish("t", new string('x', 1024 * 1024));

        var young = Resume("client");

        young.Answer.SessionPresent.Should().BeTrue();
        young.ExpectNothing();
    }

    // --- Wills

    [Theory, Versions]
    public void The_will_of_the_older_connection_is_published(MqttProtocolVersion version)
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("will");
        Resume("client", version, WithWill());

        Resume("client", version);

        watcher.Receive("will", "gone");
        watcher.ExpectNothing();
    }

    [Theory, Versions]
    public void The_will_of_the_older_connection_is_retained_before_the_newcomer_is_answered(MqttProtocolVersion version)
    {
        Resume("client", version, WithWill());
        var young = Open(version);

        young.Send(new ConnectPacket { Version = version, ClientId = "client", CleanStart = false });
        young.Send(new SubscribePacket { PacketId = 1, Subscriptions = [new("will")] });

        young.Expect<ConnAckPacket>();
        young.Expect<SubAckPacket>();
        young.Receive("will", "gone").Retain.Should().BeTrue();
    }

    [Fact]
    [Spec(V5, "3.1.3-9")]
    public void A_delayed_will_is_cancelled_if_the_newcomer_resumes_the_session()
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("will");
        Resume("client", with: WithWill(delay: 5));

        Resume("client");

        Advance(60);
        watcher.ExpectNothing();
    }

    [Fact]
    public void However_far_the_store_has_come_before_a_crash_the_will_of_the_older_connection_is_published_once()
    {
        if (!HasSlowCommits)
            return;
        for (var commits = 0; commits < 8; commits++)
        {
            Renew();
            var watcher = Resume("watcher");
            watcher.Subscribe("will", QoS2);
            watcher.Cut();
            Resume("client", with: packet => packet.Will = new WillMessage { Topic = "will", Payload = "gone"u8.ToArray(), QualityOfService = QoS2, Retain = true });
            Harness.CommitsWhenIdle = false;
            Open().Send(new ConnectPacket { ClientId = "client", KeepAliveSeconds = 0, CleanStart = false, SessionExpiryInterval = Hour });
            Run();
            BrokerHarness.Quietly(() => ((ManualCommitStore)Harness.Store!).Commit(commits));
            Run();

            Harness.Crash();

            Harness.CommitsWhenIdle = true;
            Advance(1);
            watcher = Resume("watcher");
            watcher.Receive("will", "gone");
            watcher.ExpectNothing();
        }
    }

    [Fact]
    public void A_delayed_will_is_published_at_once_if_the_newcomer_starts_clean()
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("will");
        Resume("client", with: WithWill(delay: 500));

        Connect("client");

        watcher.Receive("will", "gone");
    }

    [Fact]
    public void A_delayed_will_is_published_at_once_if_the_session_ends_with_the_older_connection()
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("will");
        Connect("client", with: WithWill(delay: 500));

        Resume("client");

        watcher.Receive("will", "gone");
    }

    [Theory, Versions]
    [Spec(V311, "3.14.4-3")]
    [Spec(V5, "3.14.4-3")]
    public void A_client_that_said_goodbye_and_is_back_before_its_end_was_noticed_leaves_no_will(MqttProtocolVersion version)
    {
        var closing = new TaskCompletionSource();
        WithMiddleware = handler => new LateClosing(handler, closing.Task);
        var watcher = Connect("watcher");
        watcher.Subscribe("will");
        var old = Resume("client", version, WithWill());
        old.Send(new DisconnectPacket());
        old.ExpectEnd();

        var young = Resume("client", version);
        closing.SetResult();

        young.ExpectNothing();
        watcher.ExpectNothing();
    }

    private static Action<ConnectPacket> WithWill(uint? delay = null) => packet =>
    {
        packet.Will = new WillMessage { Topic = "will", Payload = "gone"u8.ToArray(), Retain = true };
        if (delay is not null)
            packet.Will.DelayInterval = delay;
    };

    // A server whose loop is late in telling that a connection has ended.
    private sealed class LateClosing(IMqttHandler inner, Task until) : IInlineMqttHandler
    {
        public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet) => inner.OnPacketAsync(connection, packet);

        public async ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause)
        {
            await until.ConfigureAwait(false);
            await inner.OnClosedAsync(connection, cause).ConfigureAwait(false);
        }
    }

    // --- Two devices with one name

    [Theory, Versions]
    public void A_client_identifier_that_is_taken_over_again_and_again_is_logged_and_its_newcomers_wait(MqttProtocolVersion version)
    {
        WithBroker = options => options with { TakeoversPerMinute = 5 };
        var present = Connect("client", version);
        for (var i = 0; i < 6; i++)
            present = Connect("client", version);
        Harness.Log.Warnings.Should().ContainSingle().Which.Should().Contain("client");

        for (var wait = 0.1; wait < 2; wait += 0.1)
        {
            var newcomer = Open(version);
            newcomer.Send(new ConnectPacket { Version = version, ClientId = "client", KeepAliveSeconds = 0 });
            newcomer.ExpectNothing();
            present.ExpectNothing();
            if (wait > 0.3)
                Advance(wait - 0.2);
            newcomer.ExpectNothing();
            Advance(0.4);
            newcomer.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
            present.ExpectGoodbye(ReasonCode.SessionTakenOver);
            present = newcomer;
        }

        Connect("other", version);
        Harness.Log.Warnings.Should().ContainSingle("it is told once");
    }

    [Theory, Versions]
    public void A_client_that_comes_back_before_its_end_was_noticed_does_not_wait(MqttProtocolVersion version)
    {
        WithBroker = options => options with { TakeoversPerMinute = 1 };
        var present = Connect("client", version);
        for (var i = 0; i < 5; i++)
        {
            var newcomer = Open(version);
            newcomer.Send(new ConnectPacket { Version = version, ClientId = "client", KeepAliveSeconds = 0 });
            present.EndSending();
            newcomer.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
            present = newcomer;
        }

        Harness.Log.Warnings.Should().BeEmpty();
    }

    [Fact]
    public void A_minute_later_nobody_waits_any_more()
    {
        WithBroker = options => options with { TakeoversPerMinute = 2 };
        for (var i = 0; i < 4; i++)
            Connect("client");

        Advance(60);

        Connect("client");
        Connect("client");
    }

    [Fact]
    public void A_newcomer_that_gives_up_while_it_waits_puts_nobody_out()
    {
        WithBroker = options => options with { TakeoversPerMinute = 1 };
        var present = Connect("client");
        present = Connect("client");
        present = Connect("client");
        var newcomer = Open();
        newcomer.Send(new ConnectPacket { ClientId = "client" });
        Run();

        newcomer.Cut();
        Advance(5);

        present.ExpectNothing();
        Broker.SessionCount.Should().Be(1);
    }
}
