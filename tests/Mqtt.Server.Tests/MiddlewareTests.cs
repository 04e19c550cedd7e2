namespace Mqtt.Server.Tests;

public sealed class MiddlewareTests
{
    [Fact]
    public void Middleware_sees_packets_and_the_end_in_the_order_of_its_use_and_what_is_done_in_reverse()
    {
        var seen = new List<string>();
        var handler = new InlineHandler(
            (connection, packet) =>
            {
                seen.Add("handler");
                return Handlers.Basic(connection, packet);
            },
            (_, _) =>
            {
                seen.Add("handler closed");
                return default;
            });
        using var server = Serve(handler.Use(new Note("a", seen), new Note("b", seen)).Use(new Note("c", seen)));

        var client = server.Connect();
        seen.Should().Equal("a", "b", "c", "handler", "c done", "b done", "a done");
        seen.Clear();
        client.Abort();
        server.Run();

        seen.Should().Equal("a closed", "b closed", "c closed", "handler closed");
    }

    [Fact]
    public void Middleware_hands_on_another_packet_in_place_of_the_first()
    {
        string? topic = null;
        var handler = new InlineHandler((connection, packet) =>
        {
            topic = (packet as PublishPacket)?.Topic.ToString() ?? topic;
            return Handlers.Basic(connection, packet);
        });
        using var server = Serve(handler.Use(new Change()));
        var client = server.Connect();

        client.Send(new PublishPacket { Topic = "t" });
        server.Run();

        topic.Should().Be("changed/t");
    }

    [Fact]
    public async Task A_function_answers_itself_and_keeps_the_packet_from_the_handler()
    {
        var handled = new List<MqttPacketType>();
        var handler = new InlineHandler((connection, packet) =>
        {
            handled.Add(packet.Type);
            return Handlers.Basic(connection, packet);
        });
        await using var server = await RunningServer.StartAsync(Transport.Sockets, handler.Use((connection, packet, next) =>
        {
            if (packet is not PingReqPacket)
                return next.OnPacketAsync(connection, packet);
            connection.Send(new PingRespPacket());
            return default;
        }));
        await using var client = await server.ConnectAsync();

        await client.SendAsync(new PingReqPacket());

        await client.ExpectAsync<PingRespPacket>();
        handled.Should().Equal(MqttPacketType.Connect);
    }

    [Fact]
    public void A_chain_runs_inline_only_if_all_of_it_does()
    {
        var inline = new InlineHandler(Handlers.Basic);
        var pooled = new MqttDelegateHandler(Handlers.Basic);
        var note = new Note("a", []);

        inline.Use(note, note).Should().BeAssignableTo<IInlineMqttHandler>();
        inline.Use(note).Use(note).Should().BeAssignableTo<IInlineMqttHandler>();
        inline.Use().Should().BeSameAs(inline);
        inline.Use(note, new Pooled()).Should().NotBeAssignableTo<IInlineMqttHandler>();
        inline.Use((connection, packet, next) => next.OnPacketAsync(connection, packet)).Should().NotBeAssignableTo<IInlineMqttHandler>();
        pooled.Use(note).Should().NotBeAssignableTo<IInlineMqttHandler>();
    }

    [Fact]
    public void Middleware_that_throws_ends_its_own_connection_alone()
    {
        using var server = Serve(new InlineHandler(Handlers.Basic).Use(new Change()));
        var bad = server.Connect("bad");
        var good = server.Connect("good");

        bad.Send(new PublishPacket { Topic = "throw" });

        bad.Expect<DisconnectPacket>().ReasonCode.Should().Be(ReasonCode.ImplementationSpecificError);
        good.Send(new PingReqPacket());
        good.Expect<PingRespPacket>();
        server.Log.Errors.Should().ContainSingle().Which.Should().Contain("as announced");
        server.Log.Clear();
    }

    private static DrivenServer Serve(IMqttHandler handler) => new((IInlineMqttHandler)handler);

    private sealed class Note(string name, List<string> seen) : IInlineMqttMiddleware
    {
        public async ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet, IMqttHandler next)
        {
            seen.Add(name);
            await next.OnPacketAsync(connection, packet);
            seen.Add($"{name} done");
        }

        public ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause, IMqttHandler next)
        {
            seen.Add($"{name} closed");
            return next.OnClosedAsync(connection, cause);
        }
    }

    private sealed class Change : IInlineMqttMiddleware
    {
        public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet, IMqttHandler next)
        {
            if (packet is not PublishPacket publish)
                return next.OnPacketAsync(connection, packet);
            return publish.Topic == "throw"
                ? throw new InvalidOperationException("as announced")
                : next.OnPacketAsync(connection, new PublishPacket { Topic = "changed/" + publish.Topic });
        }
    }

    private sealed class Pooled : IMqttMiddleware
    {
        public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet, IMqttHandler next) => next.OnPacketAsync(connection, packet);
    }
}
