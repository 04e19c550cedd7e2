using System.Text;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>Authentication by AUTH packets in any number of steps (5.0, section 4.12).</summary>
public abstract class EnhancedAuthenticationTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : EnhancedAuthenticationTests(StoreKind.None);

    public sealed class WithMemoryStore() : EnhancedAuthenticationTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : EnhancedAuthenticationTests(StoreKind.SlowCommit);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(5)]
    [Spec(V5, "3.15.1-1")]
    [Spec(V5, "3.15.2-1")]
    [Spec(V5, "4.12.0-2")]
    [Spec(V5, "4.12.0-3")]
    [Spec(V5, "4.12.0-5")]
    public void A_client_comes_in_after_any_number_of_steps(int steps)
    {
        Count(steps);
        var client = Begin("0");

        for (var i = 1; i <= steps; i++)
        {
            var challenge = client.Expect<AuthPacket>();
            challenge.ReasonCode.Should().Be(ReasonCode.ContinueAuthentication);
            challenge.AuthenticationMethod.Should().Be((MqttString)ExchangeHook.Name);
            TextOf(challenge.AuthenticationData).Should().Be($"{i}?");
            challenge.Frame.Span[0].Should().Be(0xF0, "the flags are reserved");
            Answer(client, $"{i}");
        }

        var answer = client.Expect<ConnAckPacket>();
        answer.ReasonCode.Should().Be(ReasonCode.Success);
        answer.AuthenticationMethod.Should().Be((MqttString)ExchangeHook.Name);
        TextOf(answer.AuthenticationData).Should().Be("done");
        client.Subscribe("t");
        client.Publish("t", "in");
        client.Receive("t", "in");
    }

    [Fact]
    [Spec(V5, "4.12.0-4")]
    public void The_broker_refuses_at_any_step()
    {
        Count(2);
        var client = Begin("0");
        client.Expect<AuthPacket>();
        Answer(client, "1");
        client.Expect<AuthPacket>();

        Answer(client, "wrong");

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.NotAuthorized);
        client.ExpectEnd();
        Broker.SessionCount.Should().Be(0);
    }

    [Fact]
    [Spec(V5, "3.1.2-30")]
    public void Another_packet_than_AUTH_or_DISCONNECT_before_CONNACK_is_an_error_and_has_no_effect()
    {
        foreach (var packet in (MqttPacket[])[
            new PublishPacket { Topic = "t", Payload = new byte[] { 1 }, Retain = true },
            new SubscribePacket { PacketId = 1, Subscriptions = [new("t")] },
            new PingReqPacket(),
            new ConnectPacket { ClientId = "client" }])
        {
            Count(1);
            var client = Begin("0");
            client.Expect<AuthPacket>();

            client.Send(packet);

            client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.ProtocolError);
            client.ExpectEnd();
            Broker.RetainedCount.Should().Be(0);
            Broker.SessionCount.Should().Be(0);
            Renew();
        }
    }

    [Fact]
    [Spec(V5, "3.1.2-30")]
    public void A_client_may_say_goodbye_before_CONNACK()
    {
        Count(1);
        var client = Begin("0");
        client.Expect<AuthPacket>();

        client.Send(new DisconnectPacket());

        client.ExpectEnd();
        Broker.SessionCount.Should().Be(0);
    }

    [Theory]
    [InlineData("OTHER", ReasonCode.ContinueAuthentication, ReasonCode.BadAuthenticationMethod)]
    [InlineData(ExchangeHook.Name, ReasonCode.ReAuthenticate, ReasonCode.ProtocolError)]
    [Spec(V5, "4.12.0-3")]
    [Spec(V5, "4.12.0-5")]
    public void An_AUTH_of_another_method_or_with_another_code_than_0x18_is_refused(string method, ReasonCode code, ReasonCode expected)
    {
        Count(1);
        var client = Begin("0");
        client.Expect<AuthPacket>();

        client.Send(new AuthPacket { ReasonCode = code, AuthenticationMethod = method, AuthenticationData = "1"u8.ToArray() });

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(expected);
        client.ExpectEnd();
    }

    [Fact]
    public void Two_hooks_for_one_method_are_a_wrong_option_that_names_it()
    {
        ExchangeHook[] hooks = [new((_, _) => default), new((_, _) => default)];

        var making = () => new MqttBroker(new MqttBrokerOptions { Hooks = hooks });

        making.Should().Throw<ArgumentException>().WithMessage($"Hooks*{ExchangeHook.Name}*");
    }

    [Fact]
    [Spec(V5, "4.12.0-1")]
    public void A_method_that_nobody_knows_is_refused()
    {
        Count(1);
        var client = Open();

        client.Connect(new ConnectPacket { ClientId = "client", AuthenticationMethod = "OTHER" }).ReasonCode.Should().Be(ReasonCode.BadAuthenticationMethod);

        client.ExpectEnd();
    }

    [Fact]
    [Spec(V5, "4.12.0-6")]
    public void A_client_without_a_method_gets_no_AUTH()
    {
        WithBroker = options => options with { Hooks = [Counting(1), new BasicHook(static _ => AuthenticationResult.Allowed)] };

        var client = Connect("client");

        client.Answer.AuthenticationMethod.Should().BeNull();
        client.ExpectNothing();
    }

    // --- Bounds

    [Fact]
    public void An_exchange_takes_so_many_steps_and_no_more()
    {
        WithBroker = options => options with { Hooks = [Counting(10)], Authentication = new() { MaximumSteps = 2 } };
        var client = Begin("0");
        for (var i = 1; i <= 2; i++)
        {
            client.Expect<AuthPacket>();
            Answer(client, $"{i}");
        }

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.UnspecifiedError);

        client.ExpectEnd();
        Harness.Log.Errors.Should().ContainSingle().Which.Should().Contain("more than 2 steps");
        Harness.Log.Clear();
    }

    [Fact]
    public void An_exchange_takes_so_many_bytes_and_no_more()
    {
        WithBroker = options => options with { Hooks = [Counting(10)], Authentication = new() { MaximumBytes = 1000 } };
        var client = Begin("0");
        client.Expect<AuthPacket>();

        client.Send(new AuthPacket { ReasonCode = ReasonCode.ContinueAuthentication, AuthenticationMethod = ExchangeHook.Name, AuthenticationData = new byte[1000] });

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.QuotaExceeded);
        client.ExpectEnd();
    }

    [Fact]
    public void A_client_that_is_not_in_yet_cannot_send_a_large_packet()
    {
        Count(1);
        var client = Begin("0");
        client.Expect<AuthPacket>();

        client.Send(new AuthPacket { ReasonCode = ReasonCode.ContinueAuthentication, AuthenticationMethod = ExchangeHook.Name, AuthenticationData = new byte[65_535], ReasonString = new string('x', 10_000) });

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.PacketTooLarge);
        client.ExpectEnd();
    }

    [Fact]
    public void A_client_that_does_not_answer_is_refused_after_a_time()
    {
        WithBroker = options => options with { Hooks = [Counting(1)], Authentication = new() { Timeout = TimeSpan.FromSeconds(4) } };
        var client = Begin("0");
        client.Expect<AuthPacket>();
        Advance(3.8);
        client.ExpectNothing();

        Advance(0.4);

        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.ServerUnavailable);
        client.ExpectEnd();
    }

    [Fact]
    public void A_client_that_goes_away_ends_its_exchange()
    {
        CancellationToken seen = default;
        WithBroker = options => options with
        {
            Hooks = [new ExchangeHook(async (exchange, gone) =>
            {
                seen = gone;
                await exchange.ChallengeAsync(null);
                return AuthenticationResult.Allowed;
            })],
        };
        var client = Begin("0");
        client.Expect<AuthPacket>();

        client.Cut();

        seen.IsCancellationRequested.Should().BeTrue();
        Broker.SessionCount.Should().Be(0);
    }

    // --- Again, while connected

    [Fact]
    [Spec(V5, "4.12.1-1")]
    public void A_connected_client_authenticates_again_while_its_messages_flow()
    {
        Count(1);
        var client = In();
        client.Subscribe("t");

        client.Send(new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = ExchangeHook.Name, AuthenticationData = "0"u8.ToArray() });
        client.Expect<AuthPacket>().ReasonCode.Should().Be(ReasonCode.ContinueAuthentication);
        client.Publish("t", "meanwhile");
        client.Receive("t", "meanwhile");
        Answer(client, "1");

        var done = client.Expect<AuthPacket>();
        done.ReasonCode.Should().Be(ReasonCode.Success);
        done.AuthenticationMethod.Should().Be((MqttString)ExchangeHook.Name);
        TextOf(done.AuthenticationData).Should().Be("done");
        client.Publish("t", "afterwards");
        client.Receive("t", "afterwards");
    }

    [Fact]
    [Spec(V5, "4.12.1-2")]
    public void A_client_that_fails_to_authenticate_again_is_told_and_closed()
    {
        Count(1);
        var client = In();
        client.Send(new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = ExchangeHook.Name, AuthenticationData = "0"u8.ToArray() });
        client.Expect<AuthPacket>();

        Answer(client, "wrong");

        client.ExpectGoodbye(ReasonCode.NotAuthorized);
    }

    [Fact]
    [Spec(V5, "4.12.1-1")]
    [Spec(V5, "4.12.1-2")]
    public void A_client_that_authenticates_again_by_another_method_is_closed()
    {
        Count(1);
        var client = In();

        client.Send(new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = "OTHER" });

        client.ExpectGoodbye(ReasonCode.BadAuthenticationMethod);
    }

    [Fact]
    public void An_AUTH_that_answers_nothing_is_an_error()
    {
        Count(1);
        var client = In();

        Answer(client, "unasked");

        client.ExpectGoodbye(ReasonCode.ProtocolError);
    }

    [Fact]
    public void A_client_that_begins_anew_before_it_has_answered_is_closed()
    {
        Count(1);
        var client = In();
        var again = new AuthPacket { ReasonCode = ReasonCode.ReAuthenticate, AuthenticationMethod = ExchangeHook.Name, AuthenticationData = "0"u8.ToArray() };
        client.Send(again);
        client.Expect<AuthPacket>();

        client.Send(again);

        client.ExpectGoodbye(ReasonCode.ProtocolError);
    }

    // --- What both sides say: the server asks "1?", "2?" and so on, the client counts along.

    private void Count(int steps) => WithBroker = options => options with { Hooks = [Counting(steps)] };

    private static ExchangeHook Counting(int steps) => new(async (exchange, _) =>
    {
        var answer = exchange.Data;
        for (var i = 0; ; i++)
        {
            if (TextOf(answer) != $"{i}")
                return AuthenticationResult.Refused();
            if (i == steps)
                return AuthenticationResult.Allowed with { AuthenticationData = "done"u8.ToArray() };
            answer = await exchange.ChallengeAsync(Encoding.UTF8.GetBytes($"{i + 1}?"));
        }
    });

    private TestClient Begin(string data)
    {
        var client = Open();
        client.Send(new ConnectPacket { ClientId = "client", KeepAliveSeconds = 0, AuthenticationMethod = ExchangeHook.Name, AuthenticationData = Encoding.UTF8.GetBytes(data) });
        return client;
    }

    private TestClient In()
    {
        var client = Begin("0");
        client.Expect<AuthPacket>();
        Answer(client, "1");
        client.Expect<ConnAckPacket>().ReasonCode.Should().Be(ReasonCode.Success);
        return client;
    }

    private static void Answer(TestClient client, string data) => client.Send(new AuthPacket
    {
        ReasonCode = ReasonCode.ContinueAuthentication,
        AuthenticationMethod = ExchangeHook.Name,
        AuthenticationData = Encoding.UTF8.GetBytes(data),
    });

    private static string TextOf(ReadOnlyMemory<byte>? data) => Encoding.UTF8.GetString((data ?? default).Span);
}
