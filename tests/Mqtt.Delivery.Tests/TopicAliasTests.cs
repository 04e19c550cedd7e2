using System.Text;
using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;
using Mqtt.Testing;

namespace Mqtt.Delivery.Tests;

public class TopicAliasTests(ITestOutputHelper output)
{
    [Fact]
    public void An_alias_stands_for_the_topic_it_came_with_last()
    {
        var aliases = new IncomingTopicAliases(maximum: 2);

        aliases.Resolve(1, "a").ToString().Should().Be("a");
        aliases.Resolve(2, "b").ToString().Should().Be("b");
        aliases.Resolve(1, default).ToString().Should().Be("a");
        aliases.Resolve(1, "c").ToString().Should().Be("c");

        aliases.Resolve(1, default).ToString().Should().Be("c");
        aliases.Resolve(2, default).ToString().Should().Be("b");
    }

    [Fact]
    [Spec(V5, "3.3.2-10")]
    [Spec(V5, "3.3.2-12")]
    public void Every_alias_from_1_to_the_maximum_is_accepted()
    {
        var aliases = new IncomingTopicAliases(maximum: 65_535);

        for (var alias = 65_535; alias > 0; alias--)
            aliases.Resolve((ushort)alias, $"t/{alias}");

        for (var alias = 1; alias <= 65_535; alias++)
            aliases.Resolve((ushort)alias, default).Should().Be((MqttString)$"t/{alias}");
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, 1)]
    [InlineData(5, 0)]
    [InlineData(5, 6)]
    [InlineData(5, 65_535)]
    public void An_alias_of_0_or_above_the_maximum_is_invalid_with_or_without_a_topic(int maximum, ushort alias)
    {
        var aliases = new IncomingTopicAliases(maximum);

        aliases.Invoking(it => it.Resolve(alias, "a")).Should().Throw<MqttProtocolException>().Which.ReasonCode.Should().Be(ReasonCode.TopicAliasInvalid);
        aliases.Invoking(it => it.Resolve(alias, default)).Should().Throw<MqttProtocolException>().Which.ReasonCode.Should().Be(ReasonCode.TopicAliasInvalid);
    }

    [Fact]
    [Spec(V5, "3.3.2-7")]
    public void A_new_connection_knows_no_alias_of_the_one_before()
    {
        new IncomingTopicAliases(maximum: 5).Resolve(1, "a");

        var next = new IncomingTopicAliases(maximum: 5);

        next.Invoking(it => it.Resolve(1, default)).Should().Throw<MqttProtocolException>().Which.ReasonCode.Should().Be(ReasonCode.ProtocolError);
    }

    [Fact]
    public void An_alias_that_is_not_set_is_a_protocol_error_also_beside_others()
    {
        var aliases = new IncomingTopicAliases(maximum: 5);
        aliases.Resolve(3, "a");

        aliases.Invoking(it => it.Resolve(2, default)).Should().Throw<MqttProtocolException>().Which.ReasonCode.Should().Be(ReasonCode.ProtocolError);
    }

    [Fact]
    public void The_topic_outlives_the_packet_that_it_came_with()
    {
        var aliases = new IncomingTopicAliases(maximum: 1);
        var packet = Encoding.UTF8.GetBytes("abc");
        aliases.Resolve(1, MqttString.FromUtf8(packet));

        packet.AsSpan().Fill((byte)'x');

        aliases.Resolve(1, default).ToString().Should().Be("abc");
    }

    [Fact]
    public void A_topic_gets_an_alias_at_its_second_use_and_the_packet_that_sets_it_carries_both()
    {
        var aliases = new OutgoingTopicAliases(maximum: 2);

        Use(aliases, "a").Should().Be((0, true));
        Use(aliases, "a").Should().Be((1, true));
        Use(aliases, "a").Should().Be((1, false));
        Use(aliases, "b").Should().Be((0, true));
        Use(aliases, "b").Should().Be((2, true));
        Use(aliases, "a").Should().Be((1, false));
    }

    [Fact]
    public void An_alias_counts_only_once_the_packet_that_sets_it_surely_leaves()
    {
        var aliases = new OutgoingTopicAliases(maximum: 2);
        aliases.Find("a"u8, out _);

        aliases.Find("a"u8, out var defines).Should().Be(1);
        defines.Should().BeTrue();
        aliases.Find("a"u8, out defines).Should().Be(1);
        defines.Should().BeTrue("the packet was never sent");
    }

    [Fact]
    [Spec(V5, "3.3.2-8")]
    [Spec(V5, "3.3.2-9")]
    [Spec(V5, "3.3.2-11")]
    public void No_alias_above_the_maximum_is_ever_set_nor_the_alias_0()
    {
        var aliases = new OutgoingTopicAliases(maximum: 3);
        var set = new List<int>();

        for (var round = 0; round < 3; round++)
        {
            for (var topic = 0; topic < 100; topic++)
            {
                for (var use = 0; use < 3; use++)
                {
                    var (alias, withTopic) = Use(aliases, $"t/{topic}");
                    alias.Should().BeInRange(0, 3);
                    if (alias > 0 && withTopic)
                        set.Add(alias);
                    if (!withTopic)
                        alias.Should().BePositive("0 stands for no topic");
                }
            }
        }

        set.Should().Equal(1, 2, 3);
    }

    [Fact]
    [Spec(V5, "3.3.2-9")]
    [Spec(V5, "3.3.2-11")]
    public void Without_a_maximum_no_alias_is_set()
    {
        var aliases = new OutgoingTopicAliases(maximum: 0);

        for (var i = 0; i < 5; i++)
            Use(aliases, "a").Should().Be((0, true));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public void Only_the_next_alias_can_be_confirmed(ushort alias)
    {
        var aliases = new OutgoingTopicAliases(maximum: 2);

        aliases.Invoking(it => it.Confirm("a"u8, alias)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Where_the_oldest_gives_way_its_alias_stands_for_the_newcomer()
    {
        var aliases = new OutgoingTopicAliases(maximum: 2, TopicAliasPolicy.ReplaceOldest);
        foreach (var topic in (string[])["a", "a", "b", "b", "c"])
            Use(aliases, topic);

        Use(aliases, "c").Should().Be((1, true), "a had the oldest");
        Use(aliases, "c").Should().Be((1, false));
        Use(aliases, "b").Should().Be((2, false));
        Use(aliases, "a").Should().Be((2, true), "it was seen before");
        Use(aliases, "b").Should().Be((1, true));
    }

    [Fact]
    public void Topics_that_were_seen_once_are_not_remembered_for_ever()
    {
        var aliases = new OutgoingTopicAliases(maximum: 10);
        aliases.Find("first"u8, out _);
        for (var i = 0; i < 10_000; i++)
            aliases.Find(Encoding.UTF8.GetBytes($"t/{i}"), out _);

        aliases.Find("first"u8, out _).Should().Be(0, "it counts as seen for the first time");
        aliases.Find("first"u8, out _).Should().Be(1);
    }

    [Fact]
    public void Finding_a_topic_with_an_alias_allocates_nothing()
    {
        var (outgoing, incoming) = (new OutgoingTopicAliases(maximum: 1), new IncomingTopicAliases(maximum: 1));
        MqttString topic = "a/b/c";
        Use(outgoing, "a/b/c");
        Use(outgoing, "a/b/c");
        incoming.Resolve(1, topic);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 10_000; i++)
        {
            outgoing.Find(topic.Span, out _);
            incoming.Resolve(1, default);
            incoming.Resolve(1, topic);
        }

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);
    }

    [Fact]
    public void What_one_side_sets_the_other_resolves_over_many_connections()
    {
        var random = new SeededRandom(print: output.WriteLine);
        for (var connection = 0; connection < 50; connection++)
        {
            var maximum = random.Next(0, 20);
            var policy = random.Chance(50) ? TopicAliasPolicy.KeepFirst : TopicAliasPolicy.ReplaceOldest;
            var (outgoing, incoming) = (new OutgoingTopicAliases(maximum, policy), new IncomingTopicAliases(maximum));
            for (var i = 0; i < 500; i++)
            {
                var topic = $"t/{random.Next(random.Next(1, 200))}";
                var alias = outgoing.Find(Encoding.UTF8.GetBytes(topic), out var defines);
                if (random.Chance(10))
                    continue; // it was refused in the end, and nothing left
                if (defines)
                    outgoing.Confirm(Encoding.UTF8.GetBytes(topic), alias);
                if (alias > 0)
                    incoming.Resolve(alias, defines ? topic : default(MqttString)).ToString().Should().Be(topic, $"{random}, connection {connection}, message {i}");
            }
        }
    }

    // Sends a message on a topic: its alias, and whether the topic itself goes along.
    private static (int Alias, bool WithTopic) Use(OutgoingTopicAliases aliases, string topic)
    {
        var bytes = Encoding.UTF8.GetBytes(topic);
        var alias = aliases.Find(bytes, out var defines);
        if (defines)
            aliases.Confirm(bytes, alias);
        return (alias, alias == 0 || defines);
    }
}
