using System.Text;
using Mqtt.Server;
using Mqtt.Server.Broker.Flows;
using Mqtt.Server.Broker.Routing;

namespace Mqtt.Routing.Tests;

/// <summary>What a broker looks at before a packet's turn has come.</summary>
public sealed class LookaheadTests(ITestOutputHelper output)
{
    private static readonly byte[] Ping = [0xC0, 0];

    [Fact]
    public void Topics_of_whole_messages_are_found_among_other_packets()
    {
        byte[] acknowledgement = [0x40, 2, 0, 1];
        byte[] alias = [0x30, 6, 0, 0, 3, 0x23, 0, 1];
        byte[] unread = [.. Ping, .. Publish("a/b"), .. acknowledgement, .. Publish("plant/7", payloadBytes: 200), .. alias, .. Publish("c"), .. Publish("half")[..^1]];

        Find(unread, most: 16, out var packets).Should().Equal("a/b", "plant/7", "c");
        packets.Should().Be(6);
    }

    [Fact]
    public void No_more_packets_are_looked_at_than_there_is_room_for()
    {
        Find([.. Publish("1"), .. Ping, .. Publish("2"), .. Publish("3")], most: 3, out var packets).Should().Equal("1", "2");
        packets.Should().Be(3);
    }

    [Theory]
    [InlineData("30")] // no length
    [InlineData("30 FF FF FF FF 01")] // more than four bytes of it
    [InlineData("30 80 00")] // not as short as can be
    [InlineData("30 02 00 01")] // no room for a topic
    [InlineData("30 03 00 02 61")] // a topic longer than its packet
    [InlineData("30 03 FF FF 61")]
    [InlineData("30 00")]
    public void What_is_malformed_has_no_topic(string hex) =>
        Find(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)), most: 16, out _).Should().BeEmpty();

    [Fact]
    public void Any_bytes_are_looked_at_without_harm()
    {
        var random = new SeededRandom(print: output.WriteLine);
        var found = 0;
        for (var i = 0; i < 100_000; i++)
        {
            var unread = new byte[random.Next(60)];
            random.NextBytes(unread);
            if (unread.Length > 1 && random.Chance(50))
                (unread[0], unread[1]) = (0x30, (byte)random.Next(unread.Length));
            if (unread.Length > 3 && random.Chance(50))
                (unread[2], unread[3]) = (0, (byte)random.Next(unread.Length));
            found += Find(unread, most: 8, out var packets).Length;
            packets.Should().BeInRange(0, 8);
        }

        found.Should().BeGreaterThan(1000, "{0}", random);
    }

    // So many that a broker looks ahead, and messages among them that it cannot know a topic of: by alias, for nobody, and a subscription that comes between.
    [Fact]
    public async Task A_broker_with_many_subscriptions_routes_what_comes_in_one_piece()
    {
        const int Count = 5_000;
        await using var broker = new MqttBroker();
        var listener = new MemoryListener();
        await using var server = new MqttServer(broker, new MqttServerOptions { Addresses = [], Listeners = [listener] });
        await server.StartAsync();
        await using var client = new ScriptedPeer(listener.Connect());
        await client.ConnectAsync(new ConnectPacket { Version = MqttProtocolVersion.V500, ClientId = "c" });
        for (var i = 0; i < Count; i += 100)
        {
            await client.SendAsync(new SubscribePacket { PacketId = 1, Subscriptions = [.. Filters(i, 100)] });
            await client.ExpectAsync<SubAckPacket>();
        }

        byte[] late = [0x82, 10, 0, 2, 0, 0, 4, (byte)'l', (byte)'a', (byte)'t', (byte)'e', 0];
        byte[] withAlias = [0x30, 10, 0, 4, (byte)'l', (byte)'a', (byte)'t', (byte)'e', 3, 0x23, 0, 1];
        byte[] byAlias = [0x30, 6, 0, 0, 3, 0x23, 0, 1];
        var topics = Enumerable.Range(0, 60).Select(number => $"site/{number * 7 % 50}/dev/{number * 7}").ToArray();
        byte[] nobody = PublishV5("site/1/dev/nobody");
        await client.SendBytesAsync(topics.SelectMany(topic => PublishV5(topic).Concat(nobody)).Concat(late).Concat(withAlias).Concat(byAlias).ToArray());

        var received = new List<string>();
        for (var i = 0; i < topics.Length; i++)
            received.Add((await client.ExpectAsync<PublishPacket>()).Topic.ToString());
        received.Should().Equal(topics);
        (await client.ExpectAsync<SubAckPacket>()).PacketId.Should().Be(2);
        (await client.ExpectAsync<PublishPacket>()).Topic.ToString().Should().Be("late");
        (await client.ExpectAsync<PublishPacket>()).Topic.ToString().Should().Be("late");
    }

    private static IEnumerable<TopicSubscription> Filters(int first, int count) =>
        Enumerable.Range(first, count).Select(number => new TopicSubscription($"site/{number % 50}/dev/{number}"));

    private static byte[] PublishV5(string topic) => [0x30, (byte)(3 + topic.Length), 0, (byte)topic.Length, .. Encoding.UTF8.GetBytes(topic), 0];

    private static byte[] Publish(string topic, int payloadBytes = 5)
    {
        var remaining = new byte[VariableByteInteger.Measure((uint)(2 + topic.Length + payloadBytes))];
        VariableByteInteger.Write(remaining, (uint)(2 + topic.Length + payloadBytes));
        return [0x30, .. remaining, 0, (byte)topic.Length, .. Encoding.UTF8.GetBytes(topic), .. new byte[payloadBytes]];
    }

    private static string[] Find(byte[] unread, int most, out int packets)
    {
        var places = new TopicPlace[most];
        packets = UpcomingTopics.Find(unread, places, out var count);
        return [.. places[..count].Select(place => Encoding.Latin1.GetString(place.In(unread)))];
    }
}
