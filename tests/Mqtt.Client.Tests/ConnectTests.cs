namespace Mqtt.Client.Tests;

public class ConnectTests
{
    [Theory, Spec(V5, "3.1.0-1"), Spec(V311, "3.1.0-1")]
    [InlineData(MqttProtocolVersion.V310)]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task The_first_packet_is_a_CONNECT_of_the_version_asked_for(MqttProtocolVersion version)
    {
        await using var scene = Scene.Begin(version: version);
        var connecting = scene.Client.ConnectAsync();
        var connect = await scene.Dialled().AcceptAsync();
        var accepted = await connecting.Soon();

        connect.Version.Should().Be(version);
        connect.ClientId.ToString().Should().Be("tester");
        connect.CleanStart.Should().BeFalse();
        connect.KeepAliveSeconds.Should().Be(60);
        connect.ReceiveMaximum.Should().Be(version == MqttProtocolVersion.V500 ? (ushort)1024 : null);
        connect.SessionExpiryInterval.Should().Be(version == MqttProtocolVersion.V500 ? 300u : null);
        accepted.ClientId.Should().Be("tester");
        scene.Client.IsConnected.Should().BeTrue();
    }

    [Fact]
    public async Task Every_option_of_CONNECT_is_sent()
    {
        await using var scene = Scene.Begin(options => options with
        {
            CleanStart = true,
            SessionExpiry = Timeout.InfiniteTimeSpan,
            KeepAlive = TimeSpan.FromSeconds(7),
            Credentials = new MqttCredentials("user", "secret"),
            Will = new MqttWill(new MqttMessage("last/words", "gone") { QualityOfService = QualityOfService.ExactlyOnce, Retain = true, ContentType = "text" }) { Delay = TimeSpan.FromSeconds(9) },
            Limits = new MqttClientLimits { ReceiveMaximum = 3, MaximumPacketSizeBytes = 1000, TopicAliasMaximum = 4 },
            RequestResponseInformation = true,
            RequestProblemInformation = false,
            UserProperties = [("a", "b")],
            Authentication = new MqttAuthentication("PLAIN") { InitialData = new byte[] { 1, 2 } },
        });
        var connecting = scene.Client.ConnectAsync();
        var connect = await scene.Dialled().AcceptAsync(new ConnAckPacket { AuthenticationMethod = "PLAIN" });
        await connecting.Soon();

        connect.CleanStart.Should().BeTrue();
        connect.SessionExpiryInterval.Should().Be(uint.MaxValue);
        connect.KeepAliveSeconds.Should().Be(7);
        connect.UserName.ToString().Should().Be("user");
        connect.Password!.Value.ToArray().Should().Equal("secret"u8.ToArray());
        connect.ReceiveMaximum.Should().Be(3);
        connect.MaximumPacketSize.Should().Be(1000);
        connect.TopicAliasMaximum.Should().Be(4);
        connect.RequestResponseInformation.Should().BeTrue();
        connect.RequestProblemInformation.Should().BeFalse();
        connect.UserProperties["a"]!.Value.ToString().Should().Be("b");
        connect.AuthenticationMethod.ToString().Should().Be("PLAIN");
        connect.AuthenticationData!.Value.ToArray().Should().Equal(1, 2);
        connect.Will!.Topic.ToString().Should().Be("last/words");
        connect.Will.Payload.ToArray().Should().Equal("gone"u8.ToArray());
        connect.Will.QualityOfService.Should().Be(QualityOfService.ExactlyOnce);
        connect.Will.Retain.Should().BeTrue();
        connect.Will.ContentType.ToString().Should().Be("text");
        connect.Will.DelayInterval.Should().Be(9);
    }

    [Fact]
    public async Task The_result_tells_what_the_server_said()
    {
        await using var scene = Scene.Begin(options => options with { ClientId = "" });
        var accepted = await scene.ConnectAsync(new ConnAckPacket
        {
            AssignedClientIdentifier = "given",
            ReceiveMaximum = 5,
            MaximumPacketSize = 2000,
            MaximumQoS = 1,
            RetainAvailable = false,
            TopicAliasMaximum = 6,
            ServerKeepAlive = 30,
            SessionExpiryInterval = 100,
            WildcardSubscriptionAvailable = false,
            SubscriptionIdentifierAvailable = false,
            SharedSubscriptionAvailable = false,
            ReasonString = "welcome",
            ResponseInformation = "answers/",
            ServerReference = "other",
            UserProperties = [("x", "y")],
        });

        accepted.ClientId.Should().Be("given");
        scene.Client.ClientId.Should().Be("given");
        accepted.SessionPresent.Should().BeFalse();
        accepted.ReceiveMaximum.Should().Be(5);
        accepted.MaximumPacketSizeBytes.Should().Be(2000);
        accepted.MaximumQoS.Should().Be(QualityOfService.AtLeastOnce);
        accepted.RetainAvailable.Should().BeFalse();
        accepted.TopicAliasMaximum.Should().Be(6);
        accepted.KeepAlive.Should().Be(TimeSpan.FromSeconds(30));
        accepted.SessionExpiry.Should().Be(TimeSpan.FromSeconds(100));
        accepted.WildcardSubscriptionAvailable.Should().BeFalse();
        accepted.SubscriptionIdentifierAvailable.Should().BeFalse();
        accepted.SharedSubscriptionAvailable.Should().BeFalse();
        accepted.ReasonString.Should().Be("welcome");
        accepted.ResponseInformation.Should().Be("answers/");
        accepted.ServerReference.Should().Be("other");
        accepted.UserProperties["x"]!.Value.ToString().Should().Be("y");
    }

    [Fact]
    public async Task What_the_server_leaves_out_has_the_value_of_the_standard()
    {
        await using var scene = Scene.Begin();
        var accepted = await scene.ConnectAsync();

        accepted.ReceiveMaximum.Should().Be(65_535);
        accepted.MaximumPacketSizeBytes.Should().Be(268_435_460);
        accepted.MaximumQoS.Should().Be(QualityOfService.ExactlyOnce);
        accepted.RetainAvailable.Should().BeTrue();
        accepted.TopicAliasMaximum.Should().Be(0);
        accepted.KeepAlive.Should().Be(TimeSpan.FromSeconds(60));
        accepted.SessionExpiry.Should().Be(TimeSpan.FromMinutes(5));
        accepted.SubscriptionIdentifierAvailable.Should().BeTrue();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311, ReasonCode.NotAuthorized)]
    [InlineData(MqttProtocolVersion.V311, ReasonCode.ServerUnavailable)]
    [InlineData(MqttProtocolVersion.V500, ReasonCode.Banned)]
    public async Task A_refusal_is_thrown_with_its_reason_and_closes_the_connection(MqttProtocolVersion version, ReasonCode reasonCode)
    {
        await using var scene = Scene.Begin(version: version);
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.AcceptAsync(new ConnAckPacket { ReasonCode = reasonCode });

        var refused = await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttRefusedException>();
        refused.Which.ReasonCode.Should().Be(reasonCode);
        await server.ExpectEndAsync();
        scene.Client.IsConnected.Should().BeFalse();
        scene.Ended.Task.IsCompleted.Should().BeFalse("a connection that was never accepted does not end");
    }

    [Fact]
    public async Task The_refusal_of_a_server_that_knows_only_3_1_1_is_understood()
    {
        await using var scene = Scene.Begin();
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        await server.SendBytesAsync(new byte[] { 0x20, 0x02, 0x00, 0x01 });

        var refused = await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttRefusedException>();
        refused.Which.ReasonCode.Should().Be(ReasonCode.UnsupportedProtocolVersion);
    }

    [Fact, Spec(V311, "3.2.0-1"), Spec(V311, "4.8.0-1"), Spec(V5, "3.2.0-1")]
    public async Task A_server_that_begins_with_anything_but_CONNACK_is_left()
    {
        await using var scene = Scene.Begin();
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        await server.SendAsync(new PingRespPacket());

        var broken = await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttProtocolException>();
        broken.Which.ReasonCode.Should().Be(ReasonCode.ProtocolError);
        await server.ExpectEndAsync();
    }

    [Fact]
    public async Task A_second_CONNACK_is_a_protocol_error()
    {
        await using var scene = await Scene.ConnectedAsync();
        await scene.Server.SendAsync(new ConnAckPacket());

        (await scene.Server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
    }

    [Fact, Spec(V5, "3.2.2-2")]
    public async Task A_session_where_a_new_one_was_asked_for_is_a_protocol_error()
    {
        await using var scene = Scene.Begin(options => options with { CleanStart = true });
        var connecting = scene.Client.ConnectAsync().AsTask();
        await scene.Dialled().AcceptAsync(new ConnAckPacket { SessionPresent = true });

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttProtocolException>();
    }

    [Fact, Spec(V5, "3.2.2-4")]
    public async Task A_session_of_which_the_client_knows_nothing_is_welcome_unless_the_options_say_otherwise()
    {
        await using var lenient = Scene.Begin();
        (await lenient.ConnectAsync(new ConnAckPacket { SessionPresent = true })).SessionPresent.Should().BeTrue();

        await using var strict = Scene.Begin(options => options with { RequireKnownSession = true });
        var connecting = strict.Client.ConnectAsync().AsTask();
        var server = strict.Dialled();
        await server.AcceptAsync(new ConnAckPacket { SessionPresent = true });
        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttProtocolException>();
        (await server.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        await server.ExpectEndAsync();
    }

    [Fact]
    public async Task A_server_that_does_not_answer_in_time_is_left()
    {
        await using var scene = Scene.Begin();
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        scene.Time.Advance(TimeSpan.FromSeconds(30));

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttConnectionException>();
        await server.ExpectEndAsync();
    }

    [Fact]
    public async Task Connecting_can_be_cancelled()
    {
        await using var scene = Scene.Begin();
        using var cancel = new CancellationTokenSource();
        var connecting = scene.Client.ConnectAsync(cancel.Token).AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        await cancel.CancelAsync();

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<OperationCanceledException>();
        await server.ExpectEndAsync();
        (await scene.ConnectAsync()).Should().NotBeNull("the client can connect again");
    }

    [Fact]
    public async Task A_failing_dial_is_thrown()
    {
        await using var client = new MqttClient(new MqttClientOptions { ConnectChannel = _ => throw new MqttConnectionException("no way") });

        await FluentActions.Awaiting(() => client.ConnectAsync().Soon()).Should().ThrowAsync<MqttConnectionException>().WithMessage("no way");
    }

    [Fact]
    public async Task A_CONNECT_that_cannot_be_written_is_an_argument_that_is_wrong()
    {
        await using var scene = Scene.Begin(options => options with { ClientId = "no\0good" });

        await FluentActions.Awaiting(() => scene.Client.ConnectAsync().Soon()).Should().ThrowAsync<ArgumentException>();
    }

    [Fact]
    public async Task Connecting_twice_is_refused()
    {
        await using var scene = await Scene.ConnectedAsync();

        await FluentActions.Awaiting(() => scene.Client.ConnectAsync().Soon()).Should().ThrowAsync<InvalidOperationException>();
    }

    [Fact, Spec(V5, "3.1.3-2"), Spec(V311, "3.1.3-2")]
    public async Task A_generated_identifier_is_kept_for_the_life_of_the_client()
    {
        await using var scene = Scene.Begin(options => options with { ClientId = null });
        scene.Client.ClientId.Should().MatchRegex("^mqtt-[0-9a-f]{16}$");
        for (var i = 0; i < 2; i++)
        {
            var connecting = scene.Client.ConnectAsync();
            (await scene.Dialled().AcceptAsync()).ClientId.ToString().Should().Be(scene.Client.ClientId);
            await connecting.Soon();
            scene.Server.Abort();
            await scene.Ended.Task.Soon();
        }
    }

    [Fact]
    public async Task An_assigned_identifier_is_used_again()
    {
        await using var scene = Scene.Begin(options => options with { ClientId = "" });
        await scene.ConnectAsync(new ConnAckPacket { AssignedClientIdentifier = "given" });
        await scene.BreakAsync();
        var connecting = scene.Client.ConnectAsync();
        (await scene.Dialled().AcceptAsync()).ClientId.ToString().Should().Be("given");
        await connecting.Soon();
    }

    [Fact]
    public async Task Enhanced_authentication_answers_challenges_until_CONNACK()
    {
        await using var scene = Scene.Begin(options => options with
        {
            Authentication = new MqttAuthentication("TWICE")
            {
                InitialData = new byte[] { 1 },
                AnswerAsync = (data, _) => new(new byte[] { (byte)(data!.Value.Span[0] * 2) }),
            },
        });
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        (await server.ExpectAsync<ConnectPacket>()).AuthenticationData!.Value.ToArray().Should().Equal(1);
        foreach (byte challenge in new byte[] { 10, 20 })
        {
            await server.SendAsync(new AuthPacket { ReasonCode = ReasonCode.ContinueAuthentication, AuthenticationMethod = "TWICE", AuthenticationData = new[] { challenge } });
            var answer = await server.ExpectAsync<AuthPacket>();
            answer.ReasonCode.Should().Be(ReasonCode.ContinueAuthentication);
            answer.AuthenticationMethod.ToString().Should().Be("TWICE");
            answer.AuthenticationData!.Value.ToArray().Should().Equal((byte)(challenge * 2));
        }

        await server.SendAsync(new ConnAckPacket { AuthenticationMethod = "TWICE", AuthenticationData = new byte[] { 9 } });
        (await connecting.Soon()).AuthenticationData!.Value.ToArray().Should().Equal(9);
    }

    [Fact, Spec(V5, "4.12.0-7")]
    public async Task AUTH_that_was_not_asked_for_is_a_protocol_error_and_never_answered()
    {
        await using var scene = Scene.Begin();
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        await server.SendAsync(new AuthPacket { ReasonCode = ReasonCode.ContinueAuthentication, AuthenticationMethod = "PLAIN" });

        await FluentActions.Awaiting(() => connecting.Soon()).Should().ThrowAsync<MqttProtocolException>();
        await server.ExpectEndAsync();
    }

    [Theory]
    [InlineData("ClientId")]
    [InlineData("KeepAlive")]
    [InlineData("SessionExpiry")]
    [InlineData("Server")]
    [InlineData("Limits.ReceiveMaximum")]
    [InlineData("Timeouts.Connect")]
    [InlineData("Credentials")]
    [InlineData("CredentialsCallback")]
    [InlineData("Will")]
    public void An_option_that_cannot_be_used_is_named(string name)
    {
        var options = new MqttClientOptions();
        options = name switch
        {
            "ClientId" => options with { ClientId = "", ProtocolVersion = MqttProtocolVersion.V311 },
            "KeepAlive" => options with { KeepAlive = TimeSpan.FromDays(1) },
            "SessionExpiry" => options with { SessionExpiry = TimeSpan.FromSeconds(-5) },
            "Server" => options with { Server = new Uri("http://localhost") },
            "Limits.ReceiveMaximum" => options with { Limits = new MqttClientLimits { ReceiveMaximum = 0 } },
            "Timeouts.Connect" => options with { Timeouts = new MqttClientTimeouts { Connect = TimeSpan.Zero } },
            "Credentials" => options with { Credentials = new MqttCredentials(null, "secret"), ProtocolVersion = MqttProtocolVersion.V311 },
            "CredentialsCallback" => options with { Credentials = new MqttCredentials("user"), CredentialsCallback = static _ => new(new MqttCredentials("other")) },
            _ => options with { Will = new MqttWill(new MqttMessage("not/+/this", "")) },
        };

        FluentActions.Invoking(() => new MqttClient(options)).Should().Throw<ArgumentException>().Which.ParamName.Should().Be(name);
    }

    [Fact]
    public async Task User_name_and_password_may_stand_in_the_address()
    {
        await using var scene = Scene.Begin(options => options with { Server = new Uri("mqtt://me:p%40ss@somewhere:1884") });
        var connecting = scene.Client.ConnectAsync();
        var connect = await scene.Dialled().AcceptAsync();
        await connecting.Soon();

        connect.UserName.ToString().Should().Be("me");
        connect.Password!.Value.ToArray().Should().Equal("p@ss"u8.ToArray());
    }
}
