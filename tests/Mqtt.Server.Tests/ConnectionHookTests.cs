using System.Net;

namespace Mqtt.Server.Tests;

/// <summary>What a server asks and tells about connections and packets, whatever handler stands behind it.</summary>
public sealed class ConnectionHookTests
{
    [Theory, InlineData(Transport.Sockets), InlineData(Transport.EventLoop)]
    public async Task A_connection_that_a_filter_does_not_take_is_closed_before_a_byte_is_read(Transport transport)
    {
        var asked = new List<string>();
        var isOpen = false;
        var packets = 0;
        var handler = new InlineHandler((connection, packet) =>
        {
            packets++;
            return Handlers.Basic(connection, packet);
        });
        await using var server = await RunningServer.StartAsync(transport, handler, options => options with
        {
            AcceptFilters =
            [
                (remote, local) =>
                {
                    asked.Add($"{((IPEndPoint)remote!).Address} {((IPEndPoint)local!).Address}");
                    return true;
                },
                (_, _) => isOpen,
            ],
        });

        await using (var refused = await server.DialAsync())
        {
            await refused.ExpectEndAsync();
        }

        packets.Should().Be(0);
        isOpen = true;
        await using var taken = await server.ConnectAsync();
        packets.Should().Be(1);
        asked.Should().Equal("127.0.0.1 127.0.0.1", "127.0.0.1 127.0.0.1");
    }

    [Fact]
    public void A_filter_that_throws_takes_no_connection_and_is_logged()
    {
        using var server = new DrivenServer(new InlineHandler(Handlers.Basic), options => options with { AcceptFilters = [(_, _) => throw new InvalidOperationException("as announced")] });

        var refused = server.Dial();

        refused.ExpectEnd();
        server.Log.Errors.Should().ContainSingle().Which.Should().Contain("as announced");
        server.Log.Clear();
    }

    [Fact]
    public void A_connection_has_the_context_that_was_made_for_it_and_the_handler_its_own_state()
    {
        var contexts = new List<object?>();
        var handler = new InlineHandler((connection, packet) =>
        {
            contexts.Add(connection.Context);
            connection.State = "handler's";
            return Handlers.Basic(connection, packet);
        });
        var made = 0;
        using var server = new DrivenServer(handler, options => options with { ConnectionContext = _ => ++made == 2 ? null : $"context {made}" });

        var first = server.Connect("a");
        var second = server.Connect("b");
        var third = server.Connect("c");

        contexts.Should().Equal([(object?)"context 1", null, "context 3"]);
        var connection = server.Server.Connections.Single(one => (string?)one.Context == "context 3");
        connection.Context = "changed";
        connection.Context.Should().Be("changed");
        connection.State.Should().Be("handler's");
    }

    [Fact]
    public void Each_state_of_a_connection_is_told_in_order()
    {
        var states = new List<MqttConnectionState>();
        using var server = new DrivenServer(new InlineHandler(Handlers.Basic), options => options with { StateChanged = (_, state) => states.Add(state) });

        var client = server.Connect();
        states.Should().Equal(MqttConnectionState.New, MqttConnectionState.Active, MqttConnectionState.Idle);
        client.Send(new PingReqPacket());
        client.Expect<PingRespPacket>();
        client.Abort();
        server.Run();

        states.Should().Equal(
            MqttConnectionState.New, MqttConnectionState.Active, MqttConnectionState.Idle, MqttConnectionState.Active, MqttConnectionState.Idle, MqttConnectionState.Closed);
    }

    [Fact]
    public void A_packet_hook_sees_every_packet_that_is_read_handled_and_written_and_its_bytes()
    {
        var trace = new Trace();
        using var server = new DrivenServer(new InlineHandler(Handlers.Basic), options => options with { PacketHooks = [trace] });
        var client = server.Connect();

        client.Send(new PingReqPacket());
        client.Expect<PingRespPacket>();
        server.Run();

        trace.Entries.Should().Equal(
            "read Connect", "handled Connect", "write ConnAck", "written 2003000000",
            "read PingReq", "handled PingReq", "write PingResp", "written D000");
    }

    [Fact]
    public void A_packet_hook_sees_that_the_handler_failed()
    {
        var trace = new Trace();
        using var server = new DrivenServer(
            new InlineHandler((connection, packet) => Handlers.AnswerBasics(connection, packet) ? default : throw new InvalidOperationException("as announced")),
            options => options with { PacketHooks = [trace] });
        var client = server.Connect();
        trace.Entries.Clear();

        client.Send(new PublishPacket { Topic = "t" });
        client.Expect<DisconnectPacket>();

        trace.Entries[..2].Should().Equal("read Publish", "handled Publish as announced");
        server.Log.Clear();
    }

    [Theory, InlineData(Transport.Memory), InlineData(Transport.Sockets), InlineData(Transport.EventLoop)]
    public async Task Packet_hooks_change_what_comes_in_and_what_goes_out_one_after_the_other(Transport transport)
    {
        string? handled = null;
        var handler = new InlineHandler((connection, packet) =>
        {
            if (packet is PublishPacket publish)
            {
                handled = publish.Topic.ToString();
                foreach (var payloadBytes in new[] { 1, 100_000, 2 })
                    connection.Outbox.AppendPacket(new PublishPacket { Topic = "answer", Payload = new byte[payloadBytes] });
                connection.Send(new PingRespPacket());
            }

            return Handlers.Basic(connection, packet);
        });
        await using var server = await RunningServer.StartAsync(transport, handler, options => options with { PacketHooks = [new Prefix("a/"), new Prefix("b/"), new NoPings()] });
        await using var client = await server.ConnectAsync();

        await client.SendAsync(new PublishPacket { Topic = "t" });

        foreach (var payloadBytes in new[] { 1, 100_000, 2 })
        {
            var answer = await client.ExpectAsync<PublishPacket>();
            answer.Topic.ToString().Should().Be("b/a/answer");
            answer.Payload.Length.Should().Be(payloadBytes);
        }

        handled.Should().Be("b/a/t");
    }

    [Fact]
    public void A_packet_hook_that_throws_is_logged_and_the_packet_goes_its_way()
    {
        using var server = new DrivenServer(new InlineHandler(Handlers.Basic), options => options with { PacketHooks = [new Thrower()] });

        var client = server.Connect();

        server.Log.Errors.Should().HaveCount(4).And.OnlyContain(error => error.Contains("as announced"));
        client.Abort();
        server.Run();
        server.Log.Clear();
    }

    private sealed class Trace : IMqttPacketHook
    {
        public List<string> Entries { get; } = [];

        public MqttPacket OnRead(MqttConnection connection, MqttPacket packet)
        {
            Entries.Add($"read {packet.Type}");
            return packet;
        }

        public void OnHandled(MqttConnection connection, MqttPacket packet, Exception? failure) => Entries.Add($"handled {packet.Type} {failure?.Message}".Trim());

        public MqttPacket? OnWrite(MqttConnection connection, MqttPacket packet)
        {
            Entries.Add($"write {packet.Type}");
            return packet;
        }

        public void OnWritten(MqttConnection connection, ReadOnlyMemory<byte> frame) => Entries.Add($"written {Convert.ToHexString(frame.Span)}");
    }

    private sealed class Prefix(string prefix) : IMqttPacketHook
    {
        public MqttPacket OnRead(MqttConnection connection, MqttPacket packet) => Change(packet);

        public MqttPacket? OnWrite(MqttConnection connection, MqttPacket packet) => Change(packet);

        private MqttPacket Change(MqttPacket packet) =>
            packet is PublishPacket publish ? new PublishPacket { Topic = prefix + publish.Topic, Payload = publish.Payload } : packet;
    }

    private sealed class NoPings : IMqttPacketHook
    {
        public MqttPacket? OnWrite(MqttConnection connection, MqttPacket packet) => packet is PingRespPacket ? null : packet;
    }

    private sealed class Thrower : IMqttPacketHook
    {
        public MqttPacket OnRead(MqttConnection connection, MqttPacket packet) => throw new InvalidOperationException("as announced");

        public void OnHandled(MqttConnection connection, MqttPacket packet, Exception? failure) => throw new InvalidOperationException("as announced");

        public MqttPacket? OnWrite(MqttConnection connection, MqttPacket packet) => throw new InvalidOperationException("as announced");

        public void OnWritten(MqttConnection connection, ReadOnlyMemory<byte> frame) => throw new InvalidOperationException("as announced");
    }
}
