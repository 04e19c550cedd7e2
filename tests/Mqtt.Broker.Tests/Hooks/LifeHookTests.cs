using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>Hooks of connections, sessions and wills.</summary>
public abstract class LifeHookTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : LifeHookTests(StoreKind.None);

    public sealed class WithMemoryStore() : LifeHookTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : LifeHookTests(StoreKind.SlowCommit);

    [Theory, InlineData(true), InlineData(false)]
    public void Observers_see_the_life_of_a_client_and_its_session_in_order(bool inline)
    {
        var recorder = Record(inline, "connected", "disconnected", "created", "resumed", "ended");

        Connect("short").Disconnect();
        recorder.Take().Should().Equal("created short", "connected short", "ended short Disconnected", "disconnected short Local NormalDisconnection with session");

        Resume("long").Cut();
        recorder.Take().Should().Equal("created long", "connected long", "disconnected long Network UnspecifiedError");

        var back = Resume("long");
        recorder.Take().Should().Equal("resumed long", "connected long again");
        back.Send(new ConnectPacket { ClientId = "long" });
        Run();
        back.Cut();
        recorder.Take().Should().Equal("disconnected long ProtocolError ProtocolError");

        Advance(Hour + 2);
        recorder.Take().Should().Equal("ended long Expired");
    }

    [Fact]
    public void Observers_see_a_takeover_before_the_end_of_the_old_connection()
    {
        var recorder = Record(inline: true, "connected", "disconnected", "created", "resumed", "ended");
        var first = Resume("client");
        recorder.Take();

        var second = Resume("client");
        first.Cut();
        recorder.Take().Should().Equal("resumed client", "connected client again", "disconnected client Local SessionTakenOver");
        Connect("client");
        second.Cut();

        recorder.Take().Should().Equal("ended client TakenOver", "created client", "connected client", "disconnected client Local SessionTakenOver with session");
    }

    [Fact]
    public void Observers_see_a_session_that_gives_way_to_a_new_one()
    {
        var recorder = Record(inline: true, "created", "ended");
        Resume("client").Cut();

        Connect("client");

        recorder.Take().Should().Equal("created client", "ended client CleanStart", "created client");
    }

    [Fact]
    public void Observers_are_told_when_the_broker_begins_and_last_when_it_ends()
    {
        var recorder = new Recorder { Only = ["started", "stopped", "disconnected"] };
        WithBroker = options => options with { Hooks = [recorder] };
        Connect("client");
        recorder.Take().Should().Equal("started");

        Renew();

        recorder.Take().Should().Equal("disconnected client ServerStopping ServerShuttingDown with session", "stopped");
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_hook_refuses_a_client_with_code_and_reason_before_anything_has_changed(bool inline)
    {
        var recorder = new InlineRecorder();
        Ask(inline, new Asked { Connect = Refuse }, recorder);
        var held = Resume("held");
        recorder.Take();

        var refused = Open();
        var answer = refused.Connect(new ConnectPacket { ClientId = "held", KeepAliveSeconds = 0, UserName = "stranger" });

        answer.ReasonCode.Should().Be(ReasonCode.Banned);
        answer.ReasonString!.Value.ToString().Should().Be("You know why.");
        refused.ExpectEnd();
        held.ExpectNothing();
        recorder.Take().Should().BeEmpty();

        static ValueTask Refuse(ConnectRequest request)
        {
            if (request.UserName == "stranger")
                request.Refuse(ReasonCode.Banned, "You know why.");
            return default;
        }
    }

    [Theory, Versions(Only3 = true)]
    public void A_3x_client_that_a_hook_refuses_gets_the_nearest_return_code(MqttProtocolVersion version)
    {
        Ask(inline: true, new Asked
        {
            Connect = request =>
            {
                request.Refuse(ReasonCode.Banned, "You know why.");
                return default;
            },
        });
        var client = Open(version);

        client.Connect(new ConnectPacket { Version = version, ClientId = "c" }).ReasonCode.Should().Be(ReasonCode.NotAuthorized);

        client.ExpectEnd();
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_connection_hook_that_throws_refuses_its_own_client_alone(bool inline)
    {
        Ask(inline, new Asked { Connect = request => request.ClientId == "bad" ? throw new InvalidOperationException("as announced") : default });

        var bad = Open();
        bad.Connect(new ConnectPacket { ClientId = "bad" }).ReasonCode.Should().Be(ReasonCode.ImplementationSpecificError);

        bad.ExpectEnd();
        Connect("good");
        ExpectFailures(1);
    }

    [Fact]
    public void A_connection_hook_that_waits_keeps_its_own_client_waiting_and_what_it_sent_in_order()
    {
        var answer = new TaskCompletionSource();
        Ask(inline: false, new Asked { Connect = request => request.ClientId == "slow" ? new(answer.Task) : default });
        var slow = Open();
        slow.Send(new ConnectPacket { ClientId = "slow", KeepAliveSeconds = 0 });
        slow.Send(new PingReqPacket());

        Connect("other");
        slow.ExpectNothing();
        Answer(answer);

        slow.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
        slow.Expect<PingRespPacket>();
    }

    [Fact]
    public void A_client_gets_subscriptions_with_its_connection_and_the_retained_messages_of_them()
    {
        Ask(inline: true, new Asked
        {
            Connect = request =>
            {
                request.Subscribe(new TopicSubscription($"inbox/{request.ClientId}", QoS1));
                return default;
            },
        });
        var publisher = Connect("publisher");
        publisher.Publish("inbox/client", "kept", retain: true);

        var client = Resume("client");

        client.Receive("inbox/client", "kept").Retain.Should().BeTrue();
        publisher.Publish("inbox/client", "live", QoS1).Should().Be(ReasonCode.Success);
        client.Receive("inbox/client", "live").QualityOfService.Should().Be(QoS1);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_hook_changes_a_will_before_it_is_published_and_observers_see_it(bool inline)
    {
        var recorder = new InlineRecorder { Only = ["will"] };
        Ask(
            inline,
            new Asked
            {
                Will = request =>
                {
                    request.Will.Topic = "late/" + request.ClientId;
                    request.Will.Retain = true;
                    return default;
                },
            },
            recorder);
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");

        WithWill("client").Cut();

        subscriber.Receive("late/client", "gone");
        recorder.Take().Should().Equal("will client late/client: gone to 1");
        var late = Connect("late");
        late.Subscribe("late/#");
        late.Receive("late/client", "gone");
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_hook_drops_a_will_and_one_that_throws_does(bool inline)
    {
        Ask(inline, new Asked
        {
            Will = request =>
            {
                if (request.ClientId == "bad")
                    throw new InvalidOperationException("as announced");
                request.Drop();
                return default;
            },
        });
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");

        WithWill("client").Cut();
        WithWill("bad").Cut();

        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.Hook).Should().Be(2);
        ExpectFailures(1);
    }

    [Fact]
    public void A_client_that_comes_back_is_let_in_only_after_its_will_that_a_hook_looks_at()
    {
        var answer = new TaskCompletionSource();
        Ask(inline: false, new Asked { Will = request => new(answer.Task) });
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");
        WithWill("client").Cut();

        var back = Open();
        back.Send(new ConnectPacket { ClientId = "client", KeepAliveSeconds = 0 });
        back.ExpectNothing();
        subscriber.ExpectNothing();
        Answer(answer);

        subscriber.Receive("wills/client", "gone");
        back.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_will_without_rights_is_dropped_and_counted_and_its_client_let_in(bool inline)
    {
        var wills = new List<bool>();
        Ask(inline, new Asked
        {
            MayPublish = (_, access) =>
            {
                wills.Add(access.IsWill);
                return new(false);
            },
        });
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");

        WithWill("client").Cut();

        subscriber.ExpectNothing();
        Broker.Statistics.Dropped(DropCause.NotAuthorized).Should().Be(1);
        wills.Should().Equal(true);
    }

    [Fact]
    public void The_rights_count_that_a_client_has_when_its_will_is_due()
    {
        var asked = new List<(string Client, string? User, MqttProtocolVersion Version)>();
        var isAllowed = true;
        Ask(inline: true, new Asked
        {
            MayPublish = (client, access) =>
            {
                asked.Add((client.ClientId, client.UserName, client.Version));
                return new(isAllowed || !access.IsWill);
            },
        });
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");
        Resume("client", MqttProtocolVersion.V311, Leave).Cut();
        subscriber.Receive("wills/client", "gone");
        var client = Resume("client", with: Leave);
        isAllowed = false;

        client.Cut();
        Resume("client", with: Leave).Disconnect();

        subscriber.ExpectNothing();
        asked.Should().Equal(("client", "user", MqttProtocolVersion.V311), ("client", "user", MqttProtocolVersion.V500));
        Broker.Statistics.Dropped(DropCause.NotAuthorized).Should().Be(1);

        static void Leave(ConnectPacket packet) => (packet.UserName, packet.Will) = ("user", new WillMessage { Topic = "wills/client", Payload = "gone"u8.ToArray() });
    }

    [Fact]
    public void The_rights_of_a_client_whose_will_outlives_the_broker_are_asked_by_what_is_known_of_it()
    {
        if (!HasStore)
            return;
        var asked = new List<(string Client, string? User)>();
        Ask(inline: true, new Asked
        {
            MayPublish = (client, _) =>
            {
                asked.Add((client.ClientId, client.UserName));
                return new(true);
            },
        });
        var watcher = Resume("watcher");
        watcher.Subscribe("wills/#", QoS1);
        Resume("client", with: packet => (packet.UserName, packet.Will) =
            ("user", new WillMessage { Topic = "wills/client", Payload = "gone"u8.ToArray(), DelayInterval = 10, QualityOfService = QoS1 })).Cut();

        Harness.Restart();
        Advance(11);

        Resume("watcher").Receive("wills/client", "gone");
        asked.Should().Equal(("client", "user"));
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("taken over")]
    [InlineData("begun anew")]
    [InlineData("expired")]
    [InlineData("removed")]
    public void A_will_that_a_hook_looks_at_is_published_once_whenever_the_broker_is_killed(string how)
    {
        if (!HasSlowCommits)
            return;
        for (var commits = -1; commits < 10; commits++)
        {
            Renew();
            var answer = new TaskCompletionSource();
            var waits = true;
            Ask(inline: false, new Asked { Will = _ => waits ? new(answer.Task) : default });
            var watcher = Resume("watcher");
            watcher.Subscribe("will", QoS2);
            watcher.Cut();
            End(Resume("client", with: packet =>
            {
                packet.Will = new WillMessage { Topic = "will", Payload = "gone"u8.ToArray(), QualityOfService = QoS2, Retain = true };
                packet.Will.DelayInterval = how == "expired" ? 1000u : 0;
                packet.SessionExpiryInterval = 10;
            }));

            // Whatever the store is given while the hook is asked is safe; of what follows its answer, so many writes.
            Run();
            Harness.CommitsWhenIdle = false;
            if (commits >= 0)
                Answer(answer);
            BrokerHarness.Quietly(() => ((ManualCommitStore)Harness.Store!).Commit(commits));
            waits = false;
            Harness.Crash();
            Harness.Log.Clear();
            if (commits < 0)
                Answer(answer);

            Harness.CommitsWhenIdle = true;
            Advance(1);
            watcher = Resume("watcher");
            watcher.Receive("will", "gone");
            watcher.ExpectNothing();
            Advance(20);
            Harness.Restart();
            Resume("watcher").ExpectNothing();
        }

        void End(TestClient client)
        {
            if (how is "lost" or "expired")
                client.Cut();
            else if (how == "removed")
                _ = BrokerHarness.Quietly(() => Broker.DisconnectAsync("client", new() { EndSession = true }).AsTask());
            else
                Open().Send(new ConnectPacket { ClientId = "client", KeepAliveSeconds = 0, CleanStart = how == "begun anew", SessionExpiryInterval = 10 });
            if (how == "expired")
                Advance(10.5);
        }
    }

    [Fact]
    public void A_will_without_rights_keeps_its_client_out_if_the_broker_is_strict()
    {
        WithBroker = options => options with { RefusesForbiddenWills = true, Hooks = [new AskedInline { MayPublish = (_, _) => new(false) }] };
        var client = Open();

        client.Connect(new ConnectPacket { ClientId = "client", Will = new WillMessage { Topic = "t" } }).ReasonCode.Should().Be(ReasonCode.NotAuthorized);

        client.ExpectEnd();
    }

    private TestClient WithWill(string clientId) =>
        Connect(clientId, with: packet => packet.Will = new WillMessage { Topic = $"wills/{clientId}", Payload = "gone"u8.ToArray() });

    private Recorder Record(bool inline, params string[] only)
    {
        var recorder = inline ? new InlineRecorder { Only = only } : new Recorder { Only = only };
        WithBroker = options => options with { Hooks = [recorder] };
        return recorder;
    }

    private void Ask(bool inline, Asked asked, params IBrokerHook[] others) => WithBroker = options => options with { Hooks = [asked.On(inline), .. others] };

    private void Answer(TaskCompletionSource source)
    {
        Harness.Pump.Schedule(static source => ((TaskCompletionSource)source!).SetResult(), source);
        Run();
    }

    private void ExpectFailures(int count)
    {
        Broker.Statistics.HookFailures.Should().Be(count);
        Harness.Log.Errors.Should().HaveCount(count).And.OnlyContain(error => error.Contains("as announced"));
        Harness.Log.Clear();
    }
}
