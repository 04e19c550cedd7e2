namespace Mqtt.Server.Tests;

/// <summary>Other options on a running server.</summary>
public sealed class ReconfigureTests
{
    [Fact]
    public void They_hold_for_connections_that_begin_and_who_is_there_keeps_his()
    {
        using var server = new DrivenServer(new InlineHandler(Handlers.Basic));
        var there = server.Connect("there");

        server.Server.Reconfigure(options => options with { Limits = options.Limits with { MaximumPacketBytes = 64 } });
        var newcomer = server.Connect("newcomer");

        var large = new PublishPacket { Topic = "t", Payload = new byte[100] };
        there.Send(large);
        Ping(there);
        newcomer.Send(large);
        newcomer.Expect<DisconnectPacket>().ReasonCode.Should().Be(ReasonCode.PacketTooLarge);
        server.Server.Options.Limits.MaximumPacketBytes.Should().Be(64);
    }

    [Fact]
    public void A_bound_for_all_connections_lets_nobody_else_in_and_puts_nobody_out()
    {
        using var server = new DrivenServer(new InlineHandler(Handlers.Basic));
        var (one, two) = (server.Connect("one"), server.Connect("two"));

        server.Server.Reconfigure(options => options with { MaximumConnections = 1 });

        server.Dial().ExpectEnd();
        Ping(one);
        Ping(two);
        server.Server.Reconfigure(options => options with { MaximumConnections = null });
        Ping(server.Connect("three"));
    }

    [Fact]
    public void A_packet_hook_that_comes_sees_new_connections_alone()
    {
        using var server = new DrivenServer(new InlineHandler(Handlers.Basic));
        var there = server.Connect("there");
        var hook = new Names();

        server.Server.Reconfigure(options => options with { PacketHooks = [hook] });
        var newcomer = server.Connect("newcomer");
        Ping(there);
        Ping(newcomer);

        hook.Read.Should().Equal("Connect", "PingReq");
        hook.HandledCount.Should().Be(2);
    }

    [Fact]
    public void What_cannot_change_is_refused_by_name_and_then_nothing_has_changed()
    {
        using var server = new DrivenServer(new InlineHandler(Handlers.Basic));
        var before = server.Server.Options;

        Refused(options => options with { Addresses = ["mqtt://127.0.0.1:0"], MaximumConnections = 1 }).Should().Contain("Addresses");
        Refused(options => options with { Listeners = [] }).Should().Contain("Listeners");
        Refused(options => options with { Tls = new() }).Should().Contain("Tls");
        Refused(options => options with { WebSocket = new() }).Should().Contain("WebSocket");
        Refused(options => options with { TimeProvider = TimeProvider.System }).Should().Contain("TimeProvider");
        Refused(options => options with { MaximumConnections = 0 }).Should().Contain("MaximumConnections");

        server.Server.Options.Should().BeSameAs(before);

        string Refused(Func<MqttServerOptions, MqttServerOptions> change)
        {
            var changing = () => server.Server.Reconfigure(change);
            return changing.Should().Throw<ArgumentException>().Which.Message;
        }
    }

    private static void Ping(ScriptedPeer client)
    {
        client.Send(new PingReqPacket());
        client.Expect<PingRespPacket>();
    }

    private sealed class Names : IMqttPacketHook
    {
        public List<string> Read { get; } = [];

        public int HandledCount { get; private set; }

        public MqttPacket OnRead(MqttConnection connection, MqttPacket packet)
        {
            Read.Add(packet.Type.ToString());
            return packet;
        }

        public void OnHandled(MqttConnection connection, MqttPacket packet, Exception? failure) => HandledCount++;
    }
}
