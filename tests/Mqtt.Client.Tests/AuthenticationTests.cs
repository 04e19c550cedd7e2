namespace Mqtt.Client.Tests;

/// <summary>Enhanced authentication in steps that build on one another, and anew on a living connection.</summary>
public class AuthenticationTests
{
    [Fact, Spec(V5, "4.12.0-2"), Spec(V5, "4.12.0-3"), Spec(V5, "4.12.0-5")]
    public async Task Each_connection_has_an_exchange_of_its_own_that_remembers_its_steps()
    {
        var begun = new List<Counting>();
        await using var scene = Begin(begun);
        for (var i = 1; i <= 2; i++)
        {
            var connecting = scene.Client.ConnectAsync().AsTask();
            var server = scene.Dialled();
            var connect = await server.ExpectAsync<ConnectPacket>();
            (connect.AuthenticationMethod.ToString(), Text(connect.AuthenticationData)).Should().Be(("COUNT", "first"));
            for (var step = 1; step <= 3; step++)
            {
                await server.SendAsync(Auth(ReasonCode.ContinueAuthentication, $"{step}?"));
                var answer = await server.ExpectAsync<AuthPacket>();
                (answer.ReasonCode, answer.AuthenticationMethod.ToString(), Text(answer.AuthenticationData)).Should().Be((ReasonCode.ContinueAuthentication, "COUNT", $"{step}? {step}"));
            }

            await server.SendAsync(new ConnAckPacket { AuthenticationMethod = "COUNT", AuthenticationData = "good"u8.ToArray() });
            await connecting.Soon();
            begun.Should().HaveCount(i).And.Subject.Last().Completed.Should().Be("good");
            await scene.BreakAsync();
        }
    }

    [Theory, Spec(V5, "4.12.0-5")]
    [InlineData(null)]
    [InlineData("OTHER")]
    public async Task A_server_that_accepts_without_the_method_is_left(string? method)
    {
        await using var scene = Begin([]);
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        var answer = new ConnAckPacket();
        if (method is not null)
            answer.AuthenticationMethod = method;
        await server.AcceptAsync(answer);

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttProtocolException>();
        await server.ExpectEndAsync();
    }

    [Theory, Spec(V5, "4.12.0-2")]
    [InlineData("OTHER", ReasonCode.ContinueAuthentication)]
    [InlineData("COUNT", ReasonCode.Success)]
    public async Task A_challenge_of_another_method_or_that_is_none_ends_the_attempt(string method, ReasonCode reasonCode)
    {
        await using var scene = Begin([]);
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        await server.SendAsync(new AuthPacket { ReasonCode = reasonCode, AuthenticationMethod = method });

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttProtocolException>();
        await server.ExpectEndAsync();
    }

    [Fact]
    public async Task A_server_that_the_exchange_does_not_trust_is_left_before_anything_is_sent_to_it()
    {
        await using var scene = Begin([], trust: false);
        scene.Client.Subscribe("a");
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.AcceptAsync(new ConnAckPacket { AuthenticationMethod = "COUNT" });

        (await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>()).Which.InnerException.Should().BeOfType<UnauthorizedAccessException>();
        await server.ExpectEndAsync();
    }

    [Fact]
    public async Task A_server_that_never_stops_asking_is_left()
    {
        await using var scene = Begin([], steps: 3);
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        for (var step = 1; step <= 4; step++)
        {
            await server.SendAsync(Auth(ReasonCode.ContinueAuthentication, "?"));
            if (step <= 3)
                await server.ExpectAsync<AuthPacket>();
        }

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttProtocolException>();
        await server.ExpectEndAsync();
    }

    [Fact, Spec(V5, "4.12.1-1"), Spec(V5, "4.12.0-3"), Spec(V5, "4.12.0-5")]
    public async Task Authenticating_anew_goes_through_its_steps_while_messages_flow()
    {
        var begun = new List<Counting>();
        await using var scene = await ConnectedAsync(begun);
        var handled = new List<string>();
        await using var subscription = await scene.SubscribedAsync("a", (message, _) => handled.Add(message.GetText()));
        var again = scene.Client.ReauthenticateAsync();
        var first = await scene.Server.ExpectAsync<AuthPacket>();
        (first.ReasonCode, first.AuthenticationMethod.ToString(), Text(first.AuthenticationData)).Should().Be((ReasonCode.ReAuthenticate, "COUNT", "first"));
        for (var step = 1; step <= 2; step++)
        {
            await scene.DeliverAsync("a", $"{step}", QualityOfService.AtLeastOnce, (ushort)step);
            await scene.Server.ExpectAsync<PubAckPacket>();
            var publishing = scene.Client.PublishAsync("b", "x", QualityOfService.AtLeastOnce).AsTask();
            await scene.Server.SendAsync(new PubAckPacket { PacketId = (await scene.Server.ExpectAsync<PublishPacket>()).PacketId });
            await publishing.Soon();
            await scene.Server.SendAsync(Auth(ReasonCode.ContinueAuthentication, "?"));
            Text((await scene.Server.ExpectAsync<AuthPacket>()).AuthenticationData).Should().Be($"? {step}");
        }

        await scene.Server.SendAsync(Auth(ReasonCode.Success, "good"));
        await again.Soon();
        begun.Should().HaveCount(2).And.Subject.Last().Completed.Should().Be("good");
        handled.Should().Equal("1", "2");
        scene.Client.IsConnected.Should().BeTrue();
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "4.12.1-2")]
    public async Task A_server_that_refuses_ends_the_connection_and_says_why()
    {
        await using var scene = await ConnectedAsync([]);
        var again = scene.Client.ReauthenticateAsync();
        await scene.Server.ExpectAsync<AuthPacket>();
        await scene.Server.SendAsync(new DisconnectPacket { ReasonCode = ReasonCode.NotAuthorized, ReasonString = "expired" });

        var refused = (await FluentActions.Awaiting(() => again.Soon()).Should().ThrowAsync<MqttRefusedException>()).Which;
        (refused.ReasonCode, refused.ReasonString).Should().Be((ReasonCode.NotAuthorized, "expired"));
        (await scene.Ended.Task.Soon()).Origin.Should().Be(MqttDisconnectOrigin.Server);
    }

    [Fact, Spec(V5, "4.12.1-2")]
    public async Task A_server_that_does_not_convince_the_client_any_more_is_told_and_left()
    {
        var trust = true;
        await using var scene = await ConnectedAsync([], () => trust);
        trust = false;
        var again = scene.Client.ReauthenticateAsync();
        await scene.Server.ExpectAsync<AuthPacket>();
        await scene.Server.SendAsync(Auth(ReasonCode.Success, "bad"));

        await FluentActions.Awaiting(() => again.Soon()).Should().ThrowAsync<UnauthorizedAccessException>();
        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.UnspecifiedError);
        await scene.Server.ExpectEndAsync();
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_server_that_does_not_answer_in_time_is_told_and_left()
    {
        await using var scene = await ConnectedAsync([]);
        var again = scene.Client.ReauthenticateAsync();
        await scene.Server.ExpectAsync<AuthPacket>();
        scene.Time.Advance(TimeSpan.FromSeconds(60));

        await FluentActions.Awaiting(() => again.Soon()).Should().ThrowAsync<MqttConnectionException>();
        MqttPacket packet;
        do
            packet = await scene.Server.ExpectAsync<MqttPacket>();
        while (packet is PingReqPacket);
        packet.Should().BeOfType<DisconnectPacket>();
        scene.Server.Abort();
    }

    [Fact]
    public async Task A_connection_that_goes_takes_the_re_authentication_along()
    {
        await using var scene = await ConnectedAsync([]);
        var again = scene.Client.ReauthenticateAsync();
        await scene.Server.ExpectAsync<AuthPacket>();
        await scene.BreakAsync();

        await FluentActions.Awaiting(() => again.Soon()).Should().ThrowAsync<MqttConnectionException>();
        await FluentActions.Awaiting(() => scene.Client.ReauthenticateAsync().Soon()).Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task One_at_a_time()
    {
        await using var scene = await ConnectedAsync([]);
        var again = scene.Client.ReauthenticateAsync();
        await scene.Server.ExpectAsync<AuthPacket>();
        await FluentActions.Awaiting(() => scene.Client.ReauthenticateAsync().Soon()).Should().ThrowAsync<InvalidOperationException>();
        await scene.Server.SendAsync(Auth(ReasonCode.Success, "good"));

        await again.Soon();
        scene.Server.Abort();
    }

    [Fact]
    public async Task AUTH_that_nothing_asked_for_is_a_protocol_error()
    {
        await using var scene = await ConnectedAsync([]);
        await scene.Server.SendAsync(Auth(ReasonCode.ContinueAuthentication, "?"));

        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "4.12.0-7")]
    public async Task Without_a_method_in_CONNECT_there_is_no_AUTH()
    {
        await using var scene = await Scene.ConnectedAsync();

        await FluentActions.Awaiting(() => scene.Client.ReauthenticateAsync().Soon()).Should().ThrowAsync<InvalidOperationException>();
        await FluentActions.Awaiting(() => scene.Client.SendAsync(new AuthPacket()).Soon()).Should().ThrowAsync<ArgumentException>();
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    private static Scene Begin(List<Counting> begun, bool trust = true, int steps = 16) => Begin(begun, () => trust, steps);

    private static Scene Begin(List<Counting> begun, Func<bool> trust, int steps = 16) => Scene.Begin(options => options with
    {
        Authentication = new MqttAuthentication("COUNT")
        {
            MaximumSteps = steps,
            BeginExchange = () =>
            {
                begun.Add(new Counting(trust));
                return begun[^1];
            },
        },
    });

    private static async Task<Scene> ConnectedAsync(List<Counting> begun, Func<bool>? trust = null)
    {
        var scene = Begin(begun, trust ?? (() => true));
        await scene.ConnectAsync(new ConnAckPacket { AuthenticationMethod = "COUNT" });
        return scene;
    }

    private static AuthPacket Auth(ReasonCode reasonCode, string data) =>
        new() { ReasonCode = reasonCode, AuthenticationMethod = "COUNT", AuthenticationData = System.Text.Encoding.UTF8.GetBytes(data) };

    private static string Text(ReadOnlyMemory<byte>? data) => System.Text.Encoding.UTF8.GetString(data!.Value.Span);

    /// <summary>Answers each challenge with the number of the step.</summary>
    private sealed class Counting(Func<bool> trust) : IMqttAuthenticationExchange
    {
        private int step;

        public string? Completed { get; private set; }

        public ReadOnlyMemory<byte>? Begin() => "first"u8.ToArray();

        public ValueTask<ReadOnlyMemory<byte>?> AnswerAsync(ReadOnlyMemory<byte>? challenge, CancellationToken cancellationToken) =>
            new(System.Text.Encoding.UTF8.GetBytes($"{Text(challenge)} {++step}"));

        public void Complete(ReadOnlyMemory<byte>? data)
        {
            if (!trust())
                throw new UnauthorizedAccessException("It is not who it was.");
            Completed = data is null ? "" : Text(data);
        }
    }
}
