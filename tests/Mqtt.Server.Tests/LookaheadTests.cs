using System.Text;

namespace Mqtt.Server.Tests;

/// <summary>An inline handler may look at what has arrived before it gets it.</summary>
public sealed class LookaheadTests
{
    private const int Step = 16;

    private readonly List<string> shown = [];

    [Fact]
    public void It_is_shown_what_has_arrived_and_again_when_it_says()
    {
        using var server = new DrivenServer(new ShownHandler(shown));
        var peer = server.Connect();
        peer.SendBytes(Publishes(40));
        server.Run();
        shown.Should().Equal("t/0", "t/16", "t/32");

        peer.SendBytes(Publishes(2));
        server.Run();
        shown.Should().Equal("t/0", "t/16", "t/32", "t/0");
    }

    [Fact]
    public void It_is_shown_nothing_by_a_peer_that_is_not_accepted()
    {
        using var server = new DrivenServer(new ShownHandler(shown, accepts: false));
        var peer = server.Dial();
        peer.Send(new ConnectPacket { Version = MqttProtocolVersion.V500, ClientId = "c" });
        peer.SendBytes(Publishes(20));
        server.Run();
        shown.Should().BeEmpty();
    }

    [Fact]
    public void Middleware_does_not_stand_in_its_way()
    {
        using var server = new DrivenServer((IInlineMqttHandler)new ShownHandler(shown).Use(new Transparent()));
        server.Connect().SendBytes(Publishes(1));
        server.Run();
        shown.Should().Equal("t/0");
    }

    // 5.0, QoS 0, no properties, no payload.
    private static byte[] Publishes(int count) =>
        [.. Enumerable.Range(0, count).Select(number => Encoding.UTF8.GetBytes($"t/{number}")).SelectMany(topic => (byte[])[0x30, (byte)(topic.Length + 3), 0, (byte)topic.Length, .. topic, 0])];

    private sealed class ShownHandler(List<string> shown, bool accepts = true) : IInlineMqttHandler
    {
        public int LookAhead(ReadOnlySpan<byte> unread)
        {
            shown.Add(Encoding.UTF8.GetString(unread.Slice(4, unread[3])));
            return Step;
        }

        public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet)
        {
            if (accepts)
                Handlers.AnswerBasics(connection, packet);
            return default;
        }

        public ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause) => default;
    }

    private sealed class Transparent : IInlineMqttMiddleware
    {
        public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet, IMqttHandler next) => next.OnPacketAsync(connection, packet);
    }
}
