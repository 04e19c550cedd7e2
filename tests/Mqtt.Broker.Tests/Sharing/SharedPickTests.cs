using Mqtt.Server.Broker.Sharing;

namespace Mqtt.Broker.Tests;

/// <summary>Which member of a shared subscription gets a message.</summary>
public sealed class SharedPickTests() : BrokerTests(StoreKind.None)
{
    [Fact]
    public void Round_robin_passes_over_who_is_away_and_favours_nobody()
    {
        var members = Members(5);
        members[1].Cut();
        members[2].Cut();

        Publish(30).Should().Equal(Enumerable.Range(0, 30).Select(i => new[] { 0, 3, 4 }[i % 3]));
    }

    [Fact]
    public void Round_robin_goes_on_in_turn_when_a_member_leaves()
    {
        Members(4);
        Publish(2).Should().Equal(0, 1);

        clients[0].Unsubscribe();

        Publish(3).Should().Equal(2, 3, 1);
    }

    [Fact]
    public void Random_reaches_each_that_can_take_it_and_nobody_else()
    {
        WithBroker = options => options with { SharedPick = SharedPick.Random };
        Members(4)[2].Cut();

        var counts = Publish(600).CountBy(member => member).ToDictionary();

        counts.Keys.Should().BeEquivalentTo([0, 1, 3]);
        counts.Values.Should().OnlyContain(count => count > 100, "each has one chance in three");
    }

    [Fact]
    public void Sticky_stays_with_one_until_it_goes()
    {
        WithBroker = options => options with { SharedPick = SharedPick.Sticky };
        Members(3);
        Publish(5).Should().AllBeEquivalentTo(0);

        clients[0].Cut();
        Publish(5).Should().AllBeEquivalentTo(1);

        clients[0].Connect();
        Publish(5).Should().AllBeEquivalentTo(1, "whoever has them keeps them");
    }

    [Fact]
    public void The_hash_brings_a_topic_to_one_member_and_a_member_that_goes_changes_its_own_topics_only()
    {
        WithBroker = options => options with { SharedPick = SharedPick.TopicHash };
        Members(4);
        var before = Publish(100);
        Publish(100).Should().Equal(before, "a topic has its member");
        before.Distinct().Should().HaveCount(4);

        clients[1].Cut();
        var after = Publish(100);

        after.Should().NotContain(1);
        for (var i = 0; i < 100; i++)
        {
            if (before[i] != 1)
                after[i].Should().Be(before[i]);
        }

        clients[1].Connect();
        Publish(100).Should().Equal(before);
    }

    [Fact]
    public void A_pick_of_ones_own_sees_the_message_and_the_members()
    {
        var pick = new OwnPick(static (in SharedDelivery delivery) =>
        {
            delivery.ShareName.ToString().Should().Be("g");
            delivery.Filter.ToString().Should().Be("+");
            delivery.QualityOfService.Should().Be(QoS1);
            delivery.MemberCount.Should().Be(3);
            delivery.CanTake(0).Should().BeFalse();
            delivery.CanTake(1).Should().BeTrue();
            return delivery.Payload.SequenceEqual("1"u8) ? Find(delivery, "member2") : Find(delivery, "member1");
        });
        WithBroker = options => options with { SharedPick = pick };
        Members(3)[0].Cut();

        Publish(3).Should().Equal(1, 2, 1);
        pick.Calls.Should().Be(3);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    [InlineData(int.MaxValue)]
    public void A_pick_that_names_nobody_leaves_it_to_round_robin(int picked)
    {
        WithBroker = options => options with { SharedPick = new OwnPick((in SharedDelivery _) => picked) };
        Members(3);

        Publish(4).Should().Equal(0, 1, 2, 0);
    }

    [Fact]
    public void A_pick_that_names_one_who_cannot_take_it_gets_the_one_after_it()
    {
        WithBroker = options => options with { SharedPick = new OwnPick(static (in SharedDelivery _) => 2) };
        Members(3)[2].Cut();

        Publish(2).Should().Equal(0, 0);
    }

    [Fact]
    public void A_pick_that_throws_is_logged_and_nothing_is_lost()
    {
        WithBroker = options => options with { SharedPick = new OwnPick(static (in SharedDelivery _) => throw new InvalidOperationException("no")) };
        Members(2);

        Publish(2).Should().Equal(0, 1);

        Harness.Log.Errors.Should().HaveCount(2);
        Harness.Log.Clear();
    }

    private readonly List<ModelClient> clients = [];
    private int published;

    private List<ModelClient> Members(int count)
    {
        for (var i = 0; i < count; i++)
        {
            clients.Add(new ModelClient(Harness, $"member{i}", MqttProtocolVersion.V500, isDurable: true) { Filters = [new("$share/g/+", QoS1)] });
            clients[i].Connect();
            Exchange();
        }

        return clients;
    }

    // Which member got each message; every message has a topic of its own.
    private int[] Publish(int count)
    {
        Exchange();
        var publisher = Connect("publisher");
        var got = new int[count];
        for (var i = 0; i < count; i++, published++)
        {
            publisher.Publish($"topic{i}", $"{published}", QoS1);
            Exchange();
            got[i] = clients.FindIndex(client => client.Delivered.Exists(message => message.Payload == $"{published}"));
        }

        return got;
    }

    private void Exchange()
    {
        do
            Run();
        while (clients.Sum(client => client.Process()) > 0);
    }

    private static int Find(in SharedDelivery delivery, string clientId)
    {
        for (var i = 0; i < delivery.MemberCount; i++)
        {
            if (delivery.ClientIdOf(i) == clientId)
                return i;
        }

        return -1;
    }

    private delegate int Pick(in SharedDelivery delivery);

    private sealed class OwnPick(Pick pick) : ISharedPick
    {
        public int Calls { get; private set; }

        int ISharedPick.Pick(in SharedDelivery delivery)
        {
            Calls++;
            return pick(delivery);
        }
    }
}
