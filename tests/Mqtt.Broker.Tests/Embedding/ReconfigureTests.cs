using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Rules;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Broker.Tests;

/// <summary>Other options on a running broker.</summary>
public abstract class ReconfigureTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : ReconfigureTests(StoreKind.None);

    public sealed class WithMemoryStore() : ReconfigureTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : ReconfigureTests(StoreKind.SlowCommit);

    [Fact]
    public void Limits_hold_for_clients_that_connect_and_who_is_there_keeps_his()
    {
        var there = Connect("there");

        Broker.Reconfigure(options => options with { Limits = options.Limits with { MaximumSubscriptions = 1, ReceiveMaximum = 7 } });
        var newcomer = Connect("newcomer");

        there.Subscribe("a").ReasonCodes.Should().Equal(ReasonCode.Success);
        there.Subscribe("b").ReasonCodes.Should().Equal(ReasonCode.Success);
        newcomer.Answer.ReceiveMaximum.Should().Be(7);
        newcomer.Subscribe("a").ReasonCodes.Should().Equal(ReasonCode.Success);
        newcomer.Subscribe("b").ReasonCodes.Should().Equal(ReasonCode.QuotaExceeded);
        Broker.Options.Limits.MaximumSubscriptions.Should().Be(1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_hook_that_comes_is_asked_and_one_that_goes_is_not(bool inline)
    {
        var subscriber = Connect("subscriber");
        subscriber.Subscribe("#");
        var publisher = Connect("publisher");
        publisher.Publish("t", "before");
        subscriber.Receive("t", "before");

        Broker.Reconfigure(options => options with { Hooks = [Refusing().On(inline)] });
        publisher.Publish("t", "while", QoS1).Should().Be(ReasonCode.NotAuthorized);
        subscriber.Subscribe("other").ReasonCodes.Should().Equal(ReasonCode.NotAuthorized);
        Broker.Reconfigure(options => options with { Hooks = [] });
        publisher.Publish("t", "after", QoS1).Should().Be(ReasonCode.Success);

        subscriber.Receive("t", "after");
        subscriber.ExpectNothing();
    }

    [Fact]
    public void A_message_that_hooks_are_being_asked_about_is_decided_by_them()
    {
        var answer = new TaskCompletionSource();
        var slow = new Asked { Publish = async request => { await answer.Task; request.Refuse(); } };
        WithBroker = options => options with { Hooks = [slow] };
        var publisher = Connect("publisher");
        var packet = publisher.SendPublish("t", "message", QoS1);
        Run();

        Broker.Reconfigure(options => options with { Hooks = [] });
        Run();
        publisher.ExpectNothing();
        answer.SetResult();

        publisher.Expect<PubAckPacket>().ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        packet.PacketId.Should().Be(1);
    }

    [Fact]
    public void Observers_are_told_that_they_come_and_go_and_one_that_stays_misses_nothing()
    {
        var (stays, comes, goes) = (new Recorder { Only = ["started", "stopped", "connected"] }, new Recorder { Only = ["started", "connected"] }, new Recorder { Only = ["stopped", "connected"] });
        WithBroker = options => options with { Hooks = [stays, goes] };
        Connect("one");

        Broker.Reconfigure(options => options with { Hooks = [comes, stays] });
        Connect("two");

        stays.Take().Should().Equal("started", "connected one", "connected two");
        comes.Take().Should().Equal("started", "connected two");
        goes.Take().Should().Equal("connected one", "stopped");
    }

    [Fact]
    public void Who_authenticates_is_asked_from_then_on()
    {
        Connect("there", with: packet => packet.UserName = "anybody");

        Broker.Reconfigure(options => options with { Hooks = [new BasicHook(request => request.UserName == "me" ? AuthenticationResult.Allowed : null)] });

        Open().Connect(new ConnectPacket { Version = MqttProtocolVersion.V500, ClientId = "a" }).ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        Connect("b", with: packet => packet.UserName = "me");
    }

    [Fact]
    public void A_client_whose_method_is_not_taken_any_more_cannot_authenticate_again()
    {
        WithBroker = options => options with { Hooks = [new ExchangeHook((_, _) => new(AuthenticationResult.Allowed))] };
        var client = Connect("client", with: packet => packet.AuthenticationMethod = ExchangeHook.Name);

        Broker.Reconfigure(options => options with { Hooks = [] });
        var again = new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate };
        again.AuthenticationMethod = ExchangeHook.Name;
        client.Send(again);

        client.ExpectGoodbye(ReasonCode.BadAuthenticationMethod);
    }

    [Fact]
    public void Everything_else_holds_at_once()
    {
        WithBroker = options => options with { SystemInterval = TimeSpan.Zero };
        var reader = Connect("reader");
        reader.Subscribe("$SYS/broker/uptime");
        reader.Subscribe("$SYS/broker/connection/clients/+");
        var client = Connect("client");
        Advance(30);

        Broker.Reconfigure(options => options with
        {
            TellNoSubscribers = false,
            ReservedRoots = ["$mine"],
            PointToPointParents = ["chat"],
            CheckPayloadFormat = true,
            SystemInterval = TimeSpan.FromSeconds(5),
            ConnectionNotices = true,
            MinimumVersion = MqttProtocolVersion.V500,
        });

        client.Publish("nobody", "", QoS1).Should().Be(ReasonCode.Success);
        client.Publish("$mine/x", "", QoS1).Should().Be(ReasonCode.TopicNameInvalid);
        client.Publish("chat/p2p/client", "hello");
        client.Receive("chat/p2p/client", "hello");
        client.Publish("t", "\uD800", QoS1, with: packet => (packet.Payload, packet.PayloadFormatIndicator) = (new byte[] { 0xFF }, 1)).Should().Be(ReasonCode.PayloadFormatInvalid);
        Advance(5.1);
        reader.Receive("$SYS/broker/uptime", "35");
        Open(MqttProtocolVersion.V311).Connect(new ConnectPacket { Version = MqttProtocolVersion.V311, ClientId = "old" }).ReasonCode.Should().NotBe(ReasonCode.Success);
        Connect("new");
        reader.Expect<PublishPacket>().Topic.Should().Be((MqttString)"$SYS/broker/connection/clients/new");
        Broker.Reconfigure(options => options with { SystemInterval = TimeSpan.Zero });
        Advance(60);
        reader.ExpectNothing();
    }

    [Fact]
    public void What_cannot_change_is_refused_by_name_and_then_nothing_has_changed()
    {
        var before = Broker.Options;

        Refused(options => options with { Store = new MemoryStore() }).Should().Contain("Store");
        Refused(options => options with { CopyPerSubscription = true, TellNoSubscribers = false }).Should().Contain("CopyPerSubscription");
        Refused(options => options with { Hooks = [new DelayedPublish()] }).Should().Contain("DelayedPublish");
        Refused(options => options with { MemoryBytes = 0 }).Should().Contain("MemoryBytes");

        Broker.Options.Should().BeSameAs(before);
    }

    [Fact]
    public void A_change_that_somebody_else_was_faster_than_is_made_again_on_what_he_has_left()
    {
        var calls = 0;

        Broker.Reconfigure(options =>
        {
            if (++calls == 1)
                Broker.Reconfigure(other => other with { TellNoSubscribers = false });
            return options with { CheckPayloadFormat = true };
        });

        calls.Should().Be(2);
        (Broker.Options.TellNoSubscribers, Broker.Options.CheckPayloadFormat).Should().Be((false, true));
    }

    private string Refused(Func<MqttBrokerOptions, MqttBrokerOptions> change)
    {
        var changing = () => Broker.Reconfigure(change);
        return changing.Should().Throw<ArgumentException>().Which.Message;
    }

    private static Asked Refusing() => new() { Publish = request => Do(() => request.Refuse()), MaySubscribe = (_, _) => new(false) };

    private static ValueTask Do(Action action)
    {
        action();
        return default;
    }
}
