using Microsoft.Extensions.Logging;
using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>Who may come in, by user name and password; and that nobody gets anything before that is known.</summary>
public abstract class AuthenticationTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : AuthenticationTests(StoreKind.None);

    public sealed class WithMemoryStore() : AuthenticationTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : AuthenticationTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "3.1.4-2")]
    [Spec(V311, "3.2.2-5")]
    [Spec(V5, "3.1.4-2")]
    public void Only_the_right_password_comes_in(MqttProtocolVersion version)
    {
        Authenticate(request => request is { UserName: "ada", Password: { } password } && password.Span.SequenceEqual("secret"u8)
            ? AuthenticationResult.Allowed
            : AuthenticationResult.Refused(ReasonCode.BadUserNameOrPassword));

        Connect(version, "ada", "secret").ReasonCode.Should().Be(ReasonCode.Success);
        Connect(version, "ada", "wrong").ReasonCode.Should().Be(ReasonCode.BadUserNameOrPassword);
        Connect(version, "eve", "secret").ReasonCode.Should().Be(ReasonCode.BadUserNameOrPassword);
        Connect(version, null, null).ReasonCode.Should().Be(ReasonCode.BadUserNameOrPassword);
    }

    [Fact]
    public void A_refused_client_of_5_is_told_why_and_where_else_to_go()
    {
        Authenticate(_ => AuthenticationResult.Refused(ReasonCode.UseAnotherServer, "This house is full.") with
        {
            ServerReference = "other.example:1883",
            UserProperties = [("wait", "60")],
        });

        var answer = Connect(MqttProtocolVersion.V500, "ada", "secret");

        answer.ReasonCode.Should().Be(ReasonCode.UseAnotherServer);
        answer.ReasonString.Should().Be((MqttString)"This house is full.");
        answer.ServerReference.Should().Be((MqttString)"other.example:1883");
        answer.UserProperties["wait"].Should().Be((MqttString)"60");
    }

    [Theory, Versions]
    public void Several_hooks_are_asked_in_order_and_the_first_that_decides_has_decided(MqttProtocolVersion version)
    {
        List<string> asked = [];
        Authenticate(
            request => Note("first", request.UserName == "one" ? AuthenticationResult.Allowed : null),
            request => Note("second", request.UserName == "two" ? AuthenticationResult.Refused() : null),
            _ => Note("third", AuthenticationResult.Allowed));

        Connect(version, "one").ReasonCode.Should().Be(ReasonCode.Success);
        Connect(version, "two").ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        Connect(version, "three").ReasonCode.Should().Be(ReasonCode.Success);

        asked.Should().Equal("first", "first", "second", "first", "second", "third");

        AuthenticationResult? Note(string name, AuthenticationResult? result)
        {
            asked.Add(name);
            return result;
        }
    }

    [Theory]
    [InlineData(false, ReasonCode.NotAuthorized)]
    [InlineData(true, ReasonCode.Success)]
    public void If_no_hook_decides_the_option_does(bool allow, ReasonCode expected)
    {
        WithBroker = options => options with { Hooks = [new BasicHook(static _ => null)], Authentication = new() { AllowUndecided = allow } };

        Connect(MqttProtocolVersion.V500, "ada").ReasonCode.Should().Be(expected);
    }

    [Theory, Versions]
    public void A_hook_that_throws_refuses(MqttProtocolVersion version)
    {
        Authenticate(_ => throw new InvalidOperationException("no database"));

        Connect(version, "ada").ReasonCode.Should().Be(version == MqttProtocolVersion.V500 ? ReasonCode.UnspecifiedError : ReasonCode.ServerUnavailable);

        Harness.Log.Errors.Should().ContainSingle().Which.Should().Contain("no database");
        Broker.Statistics.HookFailures.Should().Be(1);
        Harness.Log.Clear();
    }

    [Theory, Versions]
    public void A_hook_that_takes_too_long_refuses(MqttProtocolVersion version)
    {
        var never = new TaskCompletionSource<AuthenticationResult?>();
        WithBroker = options => options with
        {
            Hooks = [new BasicHook(_ => new ValueTask<AuthenticationResult?>(never.Task))],
            Authentication = new() { Timeout = TimeSpan.FromSeconds(3) },
        };
        var client = Open(version);
        client.Send(new ConnectPacket { Version = version, ClientId = "client", KeepAliveSeconds = 0 });
        Advance(2.8);
        client.ExpectNothing();

        Advance(0.5);

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.ServerUnavailable);
        client.ExpectEnd();
        Broker.SessionCount.Should().Be(0);
    }

    [Theory, Versions]
    [Spec(V5, "3.1.4-2")]
    public void What_comes_behind_CONNECT_waits_for_the_decision_and_is_processed_then(MqttProtocolVersion version)
    {
        var decision = new TaskCompletionSource<AuthenticationResult?>();
        WithBroker = options => options with { Hooks = [new BasicHook(_ => new ValueTask<AuthenticationResult?>(decision.Task))] };
        var client = Open(version);
        client.Send(new ConnectPacket { Version = version, ClientId = "client", KeepAliveSeconds = 0 });
        client.Send(new SubscribePacket { PacketId = 7, Subscriptions = [new("t")] });
        client.Send(new PublishPacket { Topic = "t", Payload = "own"u8.ToArray() });
        client.ExpectNothing();

        decision.SetResult(AuthenticationResult.Allowed);

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
        client.Expect<SubAckPacket>().PacketId.Should().Be(7);
        client.Receive("t", "own");
    }

    [Theory, Versions]
    [Spec(V311, "3.1.4-5")]
    [Spec(V5, "3.1.4-6")]
    public void What_comes_behind_a_CONNECT_that_is_refused_later_is_thrown_away(MqttProtocolVersion version)
    {
        var decision = new TaskCompletionSource<AuthenticationResult?>();
        WithBroker = options => options with { Hooks = [new BasicHook(_ => new ValueTask<AuthenticationResult?>(decision.Task))] };
        var client = Open(version);
        client.Send(new ConnectPacket { Version = version, ClientId = "client", KeepAliveSeconds = 0 });
        client.Send(new PublishPacket { Topic = "t", Payload = new byte[] { 1 }, Retain = true });
        client.ExpectNothing();

        decision.SetResult(AuthenticationResult.Refused());

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        client.ExpectEnd();
        Broker.RetainedCount.Should().Be(0);
        Broker.SessionCount.Should().Be(0);
    }

    [Fact]
    public void What_clients_send_before_they_are_let_in_is_bounded_for_all_together()
    {
        var decision = new TaskCompletionSource<AuthenticationResult?>();
        WithBroker = options => options with { Hooks = [new BasicHook(_ => new ValueTask<AuthenticationResult?>(decision.Task))] };
        WithServer = options => options with { UnauthenticatedBytes = 40_000 };
        var clients = Enumerable.Range(0, 20).Select(i =>
        {
            var client = Open();
            client.Send(new ConnectPacket { ClientId = $"client-{i}", KeepAliveSeconds = 0 });
            client.Send(new PublishPacket { Topic = "t", Payload = new byte[100_000] });
            Run();
            return client;
        }).ToList();

        decision.SetResult(AuthenticationResult.Allowed);
        Run();

        Broker.SessionCount.Should().BeInRange(1, 10, "each holds 4 KiB, and there are 40,000 bytes");
        clients[0].Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
        clients[^1].ExpectEnd();
    }

    [Fact]
    public void A_client_gets_the_limits_that_its_hook_gives_it()
    {
        Authenticate(request => AuthenticationResult.Allowed with
        {
            Limits = request.UserName == "ada" ? request.Limits with { ReceiveMaximum = 5, TopicAliasMaximum = 2, MaximumPacketBytes = 2000 } : null,
            UserProperties = [("plan", "small")],
        });

        var small = Connect(MqttProtocolVersion.V500, "ada");
        var other = Connect(MqttProtocolVersion.V500, "bob");

        (small.ReceiveMaximum, small.TopicAliasMaximum, small.MaximumPacketSize).Should().Be((5, 2, 2000));
        (other.ReceiveMaximum, other.TopicAliasMaximum, other.MaximumPacketSize).Should().Be((1024, 16, 16 * 1024 * 1024));
        small.UserProperties["plan"].Should().Be((MqttString)"small");
    }

    [Fact]
    public void A_client_without_an_identifier_gets_the_one_of_its_hook()
    {
        Authenticate(request => AuthenticationResult.Allowed with { AssignedClientId = $"{request.UserName}-1" });

        Connect(MqttProtocolVersion.V500, "ada", clientId: "").AssignedClientIdentifier.Should().Be((MqttString)"ada-1");

        Connect(MqttProtocolVersion.V500, "ada", clientId: "own").AssignedClientIdentifier.Should().BeNull();
    }

    // --- Whose an identifier is

    [Theory, Versions]
    public void Another_user_is_refused_the_identifier_of_a_session_and_disturbs_it_in_no_way(MqttProtocolVersion version)
    {
        Authenticate(static _ => AuthenticationResult.Allowed);
        var ada = Resume("device", version, packet => packet.UserName = "ada");
        ada.Subscribe("t");

        Connect(version, "eve", clientId: "device").ReasonCode.Should().Be(ReasonCode.ClientIdentifierNotValid);

        ada.Publish("t", "still here");
        ada.Receive("t", "still here");
        ada.Cut();
        Connect(version, "eve", clientId: "device").ReasonCode.Should().Be(ReasonCode.ClientIdentifierNotValid);
        Resume("device", version, packet => packet.UserName = "ada").Answer.SessionPresent.Should().Be(version != MqttProtocolVersion.V310);
    }

    [Theory, Versions]
    public void An_identifier_is_bound_to_its_user_after_a_restart_too(MqttProtocolVersion version)
    {
        if (!HasStore)
            return;
        Authenticate(static _ => AuthenticationResult.Allowed);
        Resume("device", version, packet => packet.UserName = "ada").Cut();
        Harness.Restart();

        Connect(version, "eve", clientId: "device").ReasonCode.Should().Be(ReasonCode.ClientIdentifierNotValid);
        Connect(version, "ada", clientId: "device").ReasonCode.Should().Be(ReasonCode.Success);
    }

    [Fact]
    public void Identifiers_need_not_be_bound()
    {
        WithBroker = options => options with
        {
            Hooks = [new BasicHook(static _ => AuthenticationResult.Allowed)],
            Authentication = new() { BindClientIds = false },
        };
        var ada = Resume("device", with: packet => packet.UserName = "ada");

        Resume("device", with: packet => packet.UserName = "eve").Answer.SessionPresent.Should().BeTrue();

        ada.ExpectGoodbye(ReasonCode.SessionTakenOver);
    }

    [Fact]
    public void Who_the_hook_says_the_client_is_owns_the_session()
    {
        Authenticate(static request => AuthenticationResult.Allowed with { UserName = request.UserName!.Split('@')[0] });
        Resume("device", with: packet => packet.UserName = "ada@home").Cut();

        Connect(MqttProtocolVersion.V500, "eve@home", clientId: "device").ReasonCode.Should().Be(ReasonCode.ClientIdentifierNotValid);
        Connect(MqttProtocolVersion.V500, "ada@work", clientId: "device").ReasonCode.Should().Be(ReasonCode.Success);
    }

    // --- Takeover

    [Theory, Versions]
    [Spec(V5, "3.1.4-3")]
    [Spec(V311, "3.1.4-2")]
    public void A_client_keeps_its_connection_until_the_newcomer_has_authenticated(MqttProtocolVersion version)
    {
        var decision = new TaskCompletionSource<AuthenticationResult?>();
        WithBroker = options => options with
        {
            Hooks = [new BasicHook(request => request.Password is null ? new(AuthenticationResult.Allowed) : new ValueTask<AuthenticationResult?>(decision.Task))],
        };
        var old = Connect("client", version);
        var newcomer = Open(version);
        newcomer.Send(new ConnectPacket { Version = version, ClientId = "client", UserName = "", Password = new byte[] { 1 }, KeepAliveSeconds = 0 });
        old.Subscribe("t");

        decision.SetResult(AuthenticationResult.Refused());

        newcomer.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        old.Publish("t", "still here");
        old.Receive("t", "still here");
    }

    [Fact]
    public void A_CONNECT_whose_authentication_took_longer_does_not_take_the_client_from_a_later_one()
    {
        var slow = new TaskCompletionSource<AuthenticationResult?>();
        WithBroker = options => options with
        {
            Hooks = [new BasicHook(request => request.Password is null ? new(AuthenticationResult.Allowed) : new ValueTask<AuthenticationResult?>(slow.Task))],
            Authentication = new() { BindClientIds = false },
        };
        var first = Open();
        first.Send(new ConnectPacket { ClientId = "client", Password = new byte[] { 1 }, KeepAliveSeconds = 0 });
        first.ExpectNothing();
        var second = Connect("client");
        second.Subscribe("t");

        slow.SetResult(AuthenticationResult.Allowed);

        first.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.ServerBusy);
        first.ExpectEnd();
        second.Publish("t", "still here");
        second.Receive("t", "still here");
    }

    private void Authenticate(params Func<AuthenticationRequest, AuthenticationResult?>[] decide) =>
        WithBroker = options => options with { Hooks = [.. decide.Select(one => new BasicHook(one))] };

    private ConnAckPacket Connect(MqttProtocolVersion version, string? user, string? password = null, string? clientId = null)
    {
        var client = Open(version);
        var packet = new ConnectPacket { Version = version, ClientId = clientId ?? $"of-{user}", KeepAliveSeconds = 0 };
        if (user is not null)
            packet.UserName = user;
        if (password is not null)
            packet.Password = System.Text.Encoding.UTF8.GetBytes(password);
        var answer = client.Connect(packet);
        if (answer.ReasonCode != ReasonCode.Success)
            client.ExpectEnd();
        return answer;
    }
}
