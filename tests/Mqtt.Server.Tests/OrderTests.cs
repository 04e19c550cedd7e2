using System.Text;

namespace Mqtt.Server.Tests;

/// <summary>A broker under concurrent publishers over real sockets: nothing is lost, and each publisher's order holds for each topic and QoS.</summary>
public abstract class OrderTests(Transport transport)
{
    private const int PublisherCount = 4;
    private const int SubscriberCount = 3;
    private const int Each = 600;

    public sealed class InMemory() : OrderTests(Transport.Memory);

    public sealed class OverSockets() : OrderTests(Transport.Sockets);

    public sealed class OverAnEventLoop() : OrderTests(Transport.EventLoop);

    public sealed class OverTwoEventLoops() : OrderTests(Transport.EventLoop)
    {
        protected override int EventLoops => 2;
    }

    protected virtual int EventLoops => 1;

    [Fact]
    [Spec(V311, "4.6.0-6")]
    [Spec(V5, "4.6.0-5")]
    [Spec(V5, "4.6.0-6")]
    public async Task Each_publishers_messages_come_in_order_for_each_topic_and_QoS()
    {
        await using var broker = new MqttBroker();
        await using var server = await StartAsync(broker);
        var subscribers = new List<ScriptedPeer>();
        for (var i = 0; i < SubscriberCount; i++)
        {
            var subscriber = await server.ConnectAsync();
            await subscriber.SendAsync(new SubscribePacket { PacketId = 1, Subscriptions = [new("#", QualityOfService.ExactlyOnce)] });
            await subscriber.ExpectAsync<SubAckPacket>();
            subscribers.Add(subscriber);
        }

        var publishers = new List<ScriptedPeer>();
        for (var i = 0; i < PublisherCount; i++)
            publishers.Add(await server.ConnectAsync(MqttProtocolVersion.V311));

        await Task.WhenAll([
            .. publishers.Select((publisher, number) => Task.Run(() => PublishAsync(publisher, number))),
            .. subscribers.Select(subscriber => Task.Run(() => ReceiveAsync(subscriber)))]);
    }

    [Fact]
    public async Task Of_many_CONNECTs_of_one_client_at_once_one_wins_and_one_session_is_left()
    {
        await using var broker = new MqttBroker(new MqttBrokerOptions { TakeoversPerMinute = 0 });
        await using var server = await StartAsync(broker);
        for (var round = 0; round < 20; round++)
        {
            var peers = new List<ScriptedPeer>();
            for (var i = 0; i < 8; i++)
                peers.Add(await server.DialAsync());

            await Task.WhenAll(peers.Select(peer => Task.Run(async () =>
            {
                var answer = await peer.ConnectAsync(new ConnectPacket { ClientId = "one", CleanStart = false, SessionExpiryInterval = 100 });
                answer.ReasonCode.Should().Be(ReasonCode.Success);
            })));

            var alive = 0;
            foreach (var peer in peers)
            {
                await peer.SendAsync(new PingReqPacket());
                if (await peer.ExpectAsync<MqttPacket>() is PingRespPacket)
                    alive++;
            }

            alive.Should().Be(1);
            broker.SessionCount.Should().Be(1);
            foreach (var peer in peers)
                await peer.DisposeAsync();
        }
    }

    private Task<RunningServer> StartAsync(MqttBroker broker) =>
        RunningServer.StartAsync(transport, broker, options => options with { EventLoops = options.EventLoops == 0 ? 0 : EventLoops });

    // A window of its own, so that the acknowledgements are read while it publishes.
    private static async Task PublishAsync(ScriptedPeer publisher, int number)
    {
        const int Window = 50;
        var waiting = 0;
        for (var i = 0; i < Each; i++)
        {
            var quality = (QualityOfService)(i % 3);
            var packet = new PublishPacket { Topic = $"{number % 2}/{i % 2}", Payload = Encoding.UTF8.GetBytes($"{number} {i}"), QualityOfService = quality };
            if (quality != QualityOfService.AtMostOnce)
            {
                packet.PacketId = (ushort)(i + 1);
                waiting++;
            }

            await publisher.SendAsync(packet);
            for (; waiting > Window; waiting--)
                await TakeAcknowledgementAsync(publisher);
        }

        for (; waiting > 0; waiting--)
            await TakeAcknowledgementAsync(publisher);
    }

    private static async Task TakeAcknowledgementAsync(ScriptedPeer publisher)
    {
        while (true)
        {
            switch (await publisher.ExpectAsync<MqttPacket>())
            {
                case PubRecPacket received:
                    await publisher.SendAsync(new PubRelPacket { PacketId = received.PacketId });
                    break;
                case PubAckPacket or PubCompPacket:
                    return;
                case var other:
                    throw new InvalidOperationException($"{other.Type} came.");
            }
        }
    }

    private static async Task ReceiveAsync(ScriptedPeer subscriber)
    {
        var last = new Dictionary<(int Publisher, string Topic, QualityOfService Quality), int>();
        var count = 0;
        while (count < PublisherCount * Each)
        {
            switch (await subscriber.ExpectAsync<MqttPacket>())
            {
                case PublishPacket publish:
                    count++;
                    var text = Encoding.UTF8.GetString(publish.Payload.Span).Split(' ');
                    var key = (int.Parse(text[0]), publish.Topic.ToString(), publish.QualityOfService);
                    int.Parse(text[1]).Should().BeGreaterThan(last.GetValueOrDefault(key, -1));
                    last[key] = int.Parse(text[1]);
                    if (publish.QualityOfService == QualityOfService.AtLeastOnce)
                        await subscriber.SendAsync(new PubAckPacket { PacketId = publish.PacketId });
                    else if (publish.QualityOfService == QualityOfService.ExactlyOnce)
                        await subscriber.SendAsync(new PubRecPacket { PacketId = publish.PacketId });
                    break;
                case PubRelPacket release:
                    await subscriber.SendAsync(new PubCompPacket { PacketId = release.PacketId });
                    break;
                case var other:
                    throw new InvalidOperationException($"{other.Type} came.");
            }
        }
    }
}
