namespace Mqtt.Client.Tests;

/// <summary>The bytes that the client writes, one by one, and what it refuses to write.</summary>
public class WireTests
{
    [Theory]
    [Spec(V5, "2.2.2-1"), Spec(V5, "3.1.2-1"), Spec(V5, "3.1.2-11"), Spec(V5, "3.1.2-13"), Spec(V5, "3.1.2-16"), Spec(V5, "3.1.2-18"), Spec(V5, "3.1.3-3"), Spec(V5, "3.1.3-4")]
    [Spec(V311, "3.1.2-11"), Spec(V311, "3.1.2-13"), Spec(V311, "3.1.2-15"), Spec(V311, "3.1.2-18"), Spec(V311, "3.1.2-20"), Spec(V311, "3.1.2-22"), Spec(V311, "3.1.3-3"), Spec(V311, "3.1.3-4")]
    [InlineData(MqttProtocolVersion.V310, "10 14 0006 4D5149736470 03 00 003C 0006 746573746572")]
    [InlineData(MqttProtocolVersion.V311, "10 12 0004 4D515454 04 00 003C 0006 746573746572")]
    [InlineData(MqttProtocolVersion.V500, "10 1B 0004 4D515454 05 00 003C 08 11 0000012C 21 0400 0006 746573746572")]
    public async Task A_CONNECT_without_will_and_credentials_has_neither_their_flags_nor_their_fields(MqttProtocolVersion version, string expected)
    {
        await using var wire = new Wire(version);
        var connecting = wire.Client.ConnectAsync().AsTask();

        await wire.ExpectAsync(expected);
        await wire.EndAsync(connecting);
    }

    [Theory]
    [Spec(V5, "3.1.2-9"), Spec(V5, "3.1.2-17"), Spec(V5, "3.1.2-19"), Spec(V5, "3.1.3-1"), Spec(V5, "3.1.3-11"), Spec(V5, "3.1.3-12")]
    [Spec(V311, "3.1.2-9"), Spec(V311, "3.1.2-14"), Spec(V311, "3.1.2-19"), Spec(V311, "3.1.2-21"), Spec(V311, "3.1.3-1"), Spec(V311, "3.1.3-10"), Spec(V311, "3.1.3-11")]
    [InlineData(MqttProtocolVersion.V311, "10 21 0004 4D515454 04 F6 003C 0006 746573746572 0001 77 0004 676F6E65 0001 75 0001 70")]
    [InlineData(MqttProtocolVersion.V500, "10 2B 0004 4D515454 05 F6 003C 08 11 0000012C 21 0400 0006 746573746572 00 0001 77 0004 676F6E65 0001 75 0001 70")]
    public async Task A_CONNECT_with_everything_has_its_fields_in_order(MqttProtocolVersion version, string expected)
    {
        await using var wire = new Wire(version, options => options with
        {
            CleanStart = true,
            Credentials = new MqttCredentials("u", "p"),
            Will = new MqttWill(new MqttMessage("w", "gone") { QualityOfService = QualityOfService.ExactlyOnce, Retain = true }),
        });
        var connecting = wire.Client.ConnectAsync().AsTask();

        await wire.ExpectAsync(expected);
        await wire.EndAsync(connecting);
    }

    [Fact, Spec(V311, "3.1.3-7")]
    public async Task An_empty_client_identifier_goes_with_a_clean_session_alone()
    {
        await using var wire = new Wire(MqttProtocolVersion.V311, options => options with { ClientId = "", CleanStart = true });
        var connecting = wire.Client.ConnectAsync().AsTask();
        await wire.ExpectAsync("10 0C 0004 4D515454 04 02 003C 0000");
        await wire.EndAsync(connecting);

        FluentActions.Invoking(() => new MqttClient(new MqttClientOptions { ProtocolVersion = MqttProtocolVersion.V311, ClientId = "" })).Should().Throw<ArgumentException>();
    }

    [Theory]
    [Spec(V5, "2.1.3-1"), Spec(V5, "2.2.1-2"), Spec(V5, "2.2.1-3"), Spec(V5, "3.3.1-2"), Spec(V5, "3.3.2-1"), Spec(V5, "3.6.1-1"), Spec(V5, "3.6.2-1"), Spec(V5, "3.8.1-1"), Spec(V5, "3.8.3-1")]
    [Spec(V5, "3.4.2-1"), Spec(V5, "3.4.2-2"), Spec(V5, "3.4.2-3"), Spec(V5, "3.5.2-2"), Spec(V5, "3.5.2-3"), Spec(V5, "3.6.2-2"), Spec(V5, "3.6.2-3"), Spec(V5, "3.7.2-1"), Spec(V5, "3.7.2-2"), Spec(V5, "3.7.2-3")]
    [Spec(V5, "3.10.1-1"), Spec(V5, "3.10.3-1"), Spec(V5, "3.14.2-1")]
    [Spec(V311, "2.2.2-1"), Spec(V311, "2.3.1-1"), Spec(V311, "2.3.1-5"), Spec(V311, "2.3.1-6"), Spec(V311, "3.3.1-2"), Spec(V311, "3.3.2-1"), Spec(V311, "3.6.1-1"), Spec(V311, "3.8.1-1"), Spec(V311, "3.8.3-1")]
    [Spec(V311, "3.10.1-1"), Spec(V311, "3.10.3-1")]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task Each_packet_has_the_flags_and_fields_that_the_standard_gives_it_and_acknowledgements_no_properties(MqttProtocolVersion version)
    {
        var v5 = version == MqttProtocolVersion.V500;
        await using var wire = new Wire(version, options => options with { CleanStart = true, SessionExpiry = TimeSpan.Zero, Limits = new MqttClientLimits { ReceiveMaximum = ushort.MaxValue } });
        var connecting = wire.Client.ConnectAsync().AsTask();
        await wire.ExpectAsync(v5 ? "10 13 0004 4D515454 05 02 003C 00 0006 746573746572" : "10 12 0004 4D515454 04 02 003C 0006 746573746572");
        await wire.SendAsync(v5 ? "20 03 00 00 00" : "20 02 00 00");
        await connecting.Soon();

        var subscribing = wire.Client.SubscribeAsync("a", (_, _) => default, QualityOfService.AtLeastOnce).AsTask();
        await wire.ExpectAsync(v5 ? "82 09 0001 02 0B 01 0001 61 01" : "82 06 0001 0001 61 01");
        await wire.SendAsync(v5 ? "90 04 0001 00 01" : "90 03 0001 01");
        await subscribing.Soon();

        await wire.Client.PublishAsync("b", "x", retain: true);
        await wire.ExpectAsync(v5 ? "31 05 0001 62 00 78" : "31 04 0001 62 78");
        var publishing = wire.Client.PublishAsync("b", "x", QualityOfService.ExactlyOnce).AsTask();
        await wire.ExpectAsync(v5 ? "34 07 0001 62 0002 00 78" : "34 06 0001 62 0002 78");
        await wire.SendAsync("50 02 0002");
        await wire.ExpectAsync("62 02 0002");
        await wire.SendAsync("70 02 0002");
        await publishing.Soon();

        await wire.SendAsync(v5 ? "32 06 0001 61 0009 00" : "32 05 0001 61 0009");
        await wire.ExpectAsync("40 02 0009");
        await wire.SendAsync(v5 ? "34 06 0001 61 000A 00" : "34 05 0001 61 000A");
        await wire.ExpectAsync("50 02 000A");
        await wire.SendAsync("62 02 000A");
        await wire.ExpectAsync("70 02 000A");

        var unsubscribing = wire.Client.UnsubscribeAsync("a").AsTask();
        await wire.ExpectAsync(v5 ? "A2 06 0003 00 0001 61" : "A2 05 0003 0001 61");
        await wire.SendAsync(v5 ? "B0 04 0003 00 00" : "B0 02 0003");
        await unsubscribing.Soon();

        var pinging = wire.Client.SendAsync(new PingReqPacket()).AsTask();
        await wire.ExpectAsync("C0 00");
        await wire.SendAsync("D0 00");
        await pinging.Soon();
        await wire.EndAsync(wire.Client.DisconnectAsync().AsTask(), last: "E0 00");
    }

    [Theory, Spec(V5, "4.7.0-1"), Spec(V5, "4.7.3-1"), Spec(V5, "4.7.3-2"), Spec(V5, "4.7.3-3"), Spec(V5, "3.3.2-2"), Spec(V5, "1.5.4-2"), Spec(V5, "1.5.4-1")]
    [Spec(V311, "4.7.1-1"), Spec(V311, "4.7.3-1"), Spec(V311, "4.7.3-2"), Spec(V311, "4.7.3-3"), Spec(V311, "3.3.2-2"), Spec(V311, "1.5.3-1"), Spec(V311, "1.5.3-2")]
    [InlineData("")]
    [InlineData("a/+/b")]
    [InlineData("a/#")]
    [InlineData("a\0b")]
    [InlineData("half a pair")]
    [InlineData("long")]
    public async Task What_is_no_topic_name_is_not_published_nor_asked_to_be_responded_to(string topic)
    {
        foreach (var version in new[] { MqttProtocolVersion.V311, MqttProtocolVersion.V500 })
        {
            await using var scene = await Scene.ConnectedAsync(version: version);
            topic = topic switch
            {
                "long" => new string('x', 65_536),
                "half a pair" => "\uD800", // An attribute cannot say it.
                _ => topic,
            };

            await FluentActions.Awaiting(async () => await scene.Client.PublishAsync(topic, "x")).Should().ThrowAsync<ArgumentException>();
            await FluentActions.Awaiting(async () => await scene.Client.PublishAsync(topic, "x", QualityOfService.AtLeastOnce)).Should().ThrowAsync<ArgumentException>();
            await scene.NothingMoreAsync();
            scene.Server.Abort();
        }
    }

    [Theory, Spec(V5, "3.3.2-13"), Spec(V5, "3.3.2-14"), Spec(V5, "3.3.2-19"), Spec(V5, "1.5.7-1")]
    [InlineData("response topic")]
    [InlineData("response topic that is no UTF-8")]
    [InlineData("content type")]
    [InlineData("user property")]
    public async Task What_is_no_property_is_not_published(string what)
    {
        await using var scene = await Scene.ConnectedAsync();
        var bad = MqttString.FromUtf8(new byte[] { 0xFF });
        var message = what switch
        {
            "response topic" => new MqttMessage("a", "") { ResponseTopic = "b/#" },
            "response topic that is no UTF-8" => new MqttMessage("a", "") { ResponseTopic = bad },
            "content type" => new MqttMessage("a", "") { ContentType = bad },
            _ => new MqttMessage("a", "") { UserProperties = [("x", bad)] },
        };

        await FluentActions.Awaiting(async () => await scene.Client.PublishAsync(message)).Should().ThrowAsync<ArgumentException>();
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Theory, Spec(V5, "4.7.1-1"), Spec(V5, "4.7.1-2"), Spec(V5, "4.8.2-1"), Spec(V5, "4.8.2-2"), Spec(V311, "4.7.1-2"), Spec(V311, "4.7.1-3")]
    [InlineData("")]
    [InlineData("a/#/b")]
    [InlineData("a#")]
    [InlineData("a+")]
    [InlineData("+a/b")]
    [InlineData("a\0b")]
    [InlineData("$share/")]
    [InlineData("$share//a")]
    [InlineData("$share/g/")]
    [InlineData("$share/g+/a")]
    [InlineData("$share/g#/a")]
    [InlineData("long")]
    public async Task What_is_no_topic_filter_is_neither_subscribed_to_nor_unsubscribed(string filter)
    {
        await using var scene = await Scene.ConnectedAsync();
        filter = filter == "long" ? new string('x', 65_536) : filter;

        scene.Client.Invoking(client => client.Subscribe(filter)).Should().Throw<ArgumentException>();
        await FluentActions.Awaiting(async () => await scene.Client.UnsubscribeAsync(filter)).Should().ThrowAsync<ArgumentException>();
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "3.8.3-2"), Spec(V5, "3.10.3-2"), Spec(V311, "3.8.3-3"), Spec(V311, "3.10.3-2")]
    public async Task A_SUBSCRIBE_or_UNSUBSCRIBE_without_a_filter_is_not_sent()
    {
        await using var scene = await Scene.ConnectedAsync();

        scene.Client.Invoking(client => client.Subscribe(Array.Empty<TopicSubscription>())).Should().Throw<ArgumentException>();
        await FluentActions.Awaiting(async () => await scene.Client.SendAsync(new SubscribePacket())).Should().ThrowAsync<ArgumentException>();
        await FluentActions.Awaiting(async () => await scene.Client.SendAsync(new UnsubscribePacket())).Should().ThrowAsync<ArgumentException>();
        await scene.NothingMoreAsync();
        scene.Server.Abort();
    }

    [Fact, Spec(V5, "3.14.2-3"), Spec(V5, "3.14.2-4"), Spec(V5, "3.2.2-15")]
    public async Task A_DISCONNECT_sheds_what_makes_it_too_large_for_the_server()
    {
        foreach (var (limit, hasReason, hasPairs) in new[] { (1000, true, true), (90, false, true), (20, false, false) })
        {
            await using var scene = await Scene.ConnectedAsync(answer: new ConnAckPacket { MaximumPacketSize = (uint)limit });
            var disconnecting = scene.Client.DisconnectAsync(new DisconnectPacket
            {
                ReasonCode = ReasonCode.DisconnectWithWillMessage,
                ReasonString = new string('r', 60),
                UserProperties = [("name", new string('v', 40))],
            }).AsTask();
            var packet = await scene.Server.ExpectAsync<DisconnectPacket>();
            scene.Server.CompleteWriting();
            await disconnecting.Soon();

            (packet.ReasonCode, packet.ReasonString is not null, packet.Properties.UserProperties.Any()).Should().Be((ReasonCode.DisconnectWithWillMessage, hasReason, hasPairs));
        }
    }

    [Fact, Spec(V5, "3.1.2-30")]
    public async Task With_an_authentication_method_nothing_but_AUTH_goes_out_before_CONNACK()
    {
        await using var scene = Scene.Begin(options => options with { Authentication = new MqttAuthentication("M") { AnswerAsync = (_, _) => default } });
        await using var subscription = scene.Client.Subscribe("a");
        var connecting = scene.Client.ConnectAsync().AsTask();
        var server = scene.Dialled();
        await server.ExpectAsync<ConnectPacket>();
        var publishing = scene.Client.PublishAsync("a", "x").AsTask();
        await server.SendAsync(new AuthPacket { ReasonCode = ReasonCode.ContinueAuthentication, AuthenticationMethod = "M" });
        await server.ExpectAsync<AuthPacket>();
        await FluentActions.Awaiting(() => publishing.Soon()).Should().ThrowAsync<MqttConnectionException>();
        await server.SendAsync(new ConnAckPacket { AuthenticationMethod = "M" });

        await server.ExpectAsync<SubscribePacket>();
        await connecting.Soon();
        server.Abort();
    }

    [Fact, Spec(V5, "1.5.4-3"), Spec(V311, "1.5.3-3")]
    public async Task A_byte_order_mark_is_a_character_like_any_other()
    {
        await using var scene = await Scene.ConnectedAsync();
        await using var subscription = await scene.SubscribedAsync("\uFEFFa");
        await using var messages = subscription.GetAsyncEnumerator();
        await scene.DeliverAsync("\uFEFFa", "1");
        (await messages.NextAsync()).Topic.Span.ToArray().Should().Equal(0xEF, 0xBB, 0xBF, (byte)'a');
        await scene.DeliverAsync("a", "2");
        await using var unclaimed = scene.Client.Unclaimed.GetAsyncEnumerator();

        (await unclaimed.NextAsync()).GetText().Should().Be("2");
        scene.Server.Abort();
    }

    /// <summary>A client, and the bytes of its one connection.</summary>
    private sealed class Wire : IAsyncDisposable
    {
        private readonly MemoryChannel server;

        public Wire(MqttProtocolVersion version, Func<MqttClientOptions, MqttClientOptions>? change = null)
        {
            (var client, server) = MemoryChannel.CreatePair();
            var options = new MqttClientOptions
            {
                ClientId = "tester",
                ProtocolVersion = version,
                Reconnect = new MqttClientReconnect { Enabled = false },
                ConnectChannel = _ => new(client),
            };
            Client = new MqttClient(change?.Invoke(options) ?? options);
        }

        public MqttClient Client { get; }

        public ValueTask SendAsync(string hex) => server.WriteAsync(Bytes(hex));

        public async Task ExpectAsync(string hex)
        {
            var expected = Bytes(hex);
            var received = new byte[expected.Length];
            for (var count = 0; count < expected.Length;)
            {
                var more = await server.ReadAsync(received.AsMemory(count)).Soon();
                more.Should().BePositive("the connection goes on");
                count += more;
            }

            Convert.ToHexString(received).Should().Be(Convert.ToHexString(expected));
        }

        /// <summary>The client has sent these bytes as its last; the server closes, and the call ends, in whatever way.</summary>
        public async Task EndAsync(Task call, string last = "")
        {
            await ExpectAsync(last);
            server.Abort();
            await call.ContinueWith(_ => { }, TaskScheduler.Default).Soon();
        }

        public async ValueTask DisposeAsync()
        {
            server.Abort();
            await Client.DisposeAsync();
            await server.DisposeAsync();
        }

        private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", ""));
    }
}
