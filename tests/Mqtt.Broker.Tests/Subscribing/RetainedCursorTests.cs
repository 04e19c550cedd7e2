namespace Mqtt.Broker.Tests;

/// <summary>Retained messages come at the subscriber's pace, however many there are.</summary>
public abstract class RetainedCursorTests(StoreKind store) : BrokerTests(store)
{
    private const int TopicCount = 1500;

    public sealed class WithoutStore() : RetainedCursorTests(StoreKind.None);

    public sealed class WithMemoryStore() : RetainedCursorTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : RetainedCursorTests(StoreKind.SlowCommit);

    [Theory, Versions]
    public void Every_retained_message_comes_once_to_a_subscriber_with_a_narrow_window_and_before_newer_messages(MqttProtocolVersion version)
    {
        Retain(TopicCount, QoS1);
        var member = Slow("slow", version, "#", "odd/+", "none/#");

        Exchange(member);
        Connect("publisher").Publish("even/0", "newer", QoS1);
        Exchange(member);

        var payloads = member.Delivered.Select(message => message.Payload).ToList();
        payloads.Where(payload => payload != "newer").Order(StringComparer.Ordinal).Should().Equal(
            Enumerable.Range(0, TopicCount).Concat(Enumerable.Range(0, TopicCount).Where(i => i % 2 == 1)).Select(i => $"{i}").Order(StringComparer.Ordinal));
        payloads[^1].Should().Be("newer");
        member.Cut();
    }

    [Theory, Versions]
    public void What_is_published_meanwhile_comes_behind_and_replaced_messages_come_only_as_they_were_published(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = options.Limits with { InFlightMaximum = 2, InFlightMaximum3 = 2 } };
        Retain(300, QoS1);
        var member = Slow("slow", version, "#");
        Run();
        for (var i = 0; i < 5; i++)
        {
            member.Process(2);
            Run();
        }

        var publisher = Connect("publisher");
        publisher.Publish("odd/299", "replaced", QoS1, retain: true);
        publisher.Publish("zzz/new", "added", QoS1, retain: true);
        publisher.Publish("even/0", "", QoS1, retain: true);
        Exchange(member);

        var payloads = member.Delivered.Select(message => message.Payload).ToList();
        payloads[^3..].Should().Equal("replaced", "added", "");
        payloads.Should().NotContain("299").And.OnlyHaveUniqueItems();
        payloads.Should().HaveCountGreaterThanOrEqualTo(300 - 2 + 3);
        member.Cut();
    }

    [Fact]
    public void Who_unsubscribes_gets_no_more_than_was_under_way_and_what_waited_behind_goes_on()
    {
        Retain(TopicCount, QoS1);
        var client = Connect("client", with: packet => packet.ReceiveMaximum = 1);
        client.Subscribe("live", QoS1);
        client.Send(new SubscribePacket { PacketId = 500, Subscriptions = [new("#", QoS1)] });
        client.Expect<SubAckPacket>();
        var first = client.Expect<PublishPacket>();
        Connect("publisher").Publish("live", "message", QoS1);

        client.Unsubscribe("#");
        client.Acknowledge(first);

        var count = 1;
        for (var message = client.Expect<PublishPacket>(); message.Topic.ToString() != "live"; message = client.Expect<PublishPacket>(), count++)
            client.Acknowledge(message);
        count.Should().BeLessThan(100);
    }

    [Fact]
    public void A_session_that_was_away_goes_on_where_it_was()
    {
        Retain(TopicCount, QoS1);
        var member = Slow("slow", MqttProtocolVersion.V500, "#");
        while (member.Delivered.Count < 700)
        {
            Run();
            member.Process(3);
        }

        member.Cut();
        Run();
        member.Connect();
        Exchange(member);

        member.Delivered.Select(message => message.Payload).Distinct().Should().HaveCount(TopicCount);
        member.Delivered.Should().HaveCountLessThan(TopicCount + 50);
        member.Cut();
    }

    [Theory]
    [InlineData("#", 6)]
    [InlineData("+", 2)]
    [InlineData("a/#", 3)]
    [InlineData("a/+", 1)]
    [InlineData("+/+", 2)]
    [InlineData("+/b/#", 2)]
    [InlineData("a/b", 1)]
    [InlineData("a/b/+", 1)]
    [InlineData("/#", 1)]
    [InlineData("$SYS/#", 0)]
    [InlineData("$x/#", 1)]
    public void A_filter_brings_what_it_matches(string filter, int count)
    {
        var publisher = Connect("publisher");
        foreach (var topic in (string[])["a", "a/b", "a/b/c", "ab", "a-b/x/y", "/", "$x/a"])
            publisher.Publish(topic, topic, QoS1, retain: true);
        var client = Connect("client");

        client.Subscribe(filter, QoS0);

        for (; count > 0; count--)
            client.Expect<PublishPacket>().Retain.Should().BeTrue();
        client.ExpectNothing();
    }

    [Fact]
    public void A_slow_subscriber_of_everything_costs_no_more_than_a_few_messages()
    {
        Retain(20_000, QoS1);
        var client = Connect("client", with: packet => packet.ReceiveMaximum = 1);
        client.Subscribe("nothing", QoS1);
        client.Send(new SubscribePacket { PacketId = 500, Subscriptions = [new("#", QoS1)] });
        var before = GC.GetAllocatedBytesForCurrentThread();

        Run();

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(200_000, "20,000 entries alone would be a megabyte");
        client.Expect<SubAckPacket>();
        client.Expect<PublishPacket>();
    }

    private void Retain(int count, QualityOfService qualityOfService)
    {
        var publisher = Connect("retaining");
        for (var i = 0; i < count; i++)
            publisher.Publish(i % 2 == 0 ? $"even/{i}" : $"odd/{i}", $"{i}", qualityOfService, retain: true);
    }

    private ModelClient Slow(string clientId, MqttProtocolVersion version, params string[] filters)
    {
        var member = new ModelClient(Harness, clientId, version, isDurable: true) { Filters = [.. filters.Select(filter => new TopicSubscription(filter, QoS1))] };
        member.Connect();
        return member;
    }

    private void Exchange(ModelClient member)
    {
        do
            Run();
        while (member.Process(5) > 0);
    }
}
