namespace Mqtt.Broker.Tests;

/// <summary>What the program gets to see of a running broker.</summary>
public abstract class ServiceTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : ServiceTests(StoreKind.None);

    public sealed class WithMemoryStore() : ServiceTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : ServiceTests(StoreKind.SlowCommit);

    [Fact]
    public void Connected_clients_are_found_and_listed_page_by_page()
    {
        foreach (var name in (string[])["d", "b", "e", "a", "c"])
            Connect(name);
        Resume("away").Disconnect();

        Broker.Clients.Find("b")!.ClientId.Should().Be("b");
        Broker.Clients.Find("away").Should().BeNull();
        var first = Broker.Clients.Page(count: 2);
        first.Select(client => client.ClientId).Should().Equal("a", "b");
        Broker.Clients.Page(first[^1].ClientId, 2).Select(client => client.ClientId).Should().Equal("c", "d");
        Broker.Clients.Page("d", 2).Select(client => client.ClientId).Should().Equal("e");
        Broker.Clients.Count().Should().Be(5);
    }

    [Fact]
    public void Sessions_are_found_and_tell_what_they_owe()
    {
        var client = Resume("client", with: packet => packet.ReceiveMaximum = 2);
        client.Subscribe("a/#", QoS1);
        client.Subscribe("b", QoS1);
        var publisher = Connect("publisher");
        for (var i = 0; i < 5; i++)
            publisher.Publish("a/b", $"{i}", QoS1);

        var session = Broker.Sessions.Find("client")!;

        session.IsConnected.Should().BeTrue();
        session.SubscriptionCount.Should().Be(2);
        session.InFlightCount.Should().Be(2);
        session.QueuedCount.Should().Be(3);
        session.Expiry.Should().Be(TimeSpan.FromHours(1));
        client.Cut();
        Broker.Sessions.Find("client")!.IsConnected.Should().BeFalse();
        Broker.Sessions.Find("nobody").Should().BeNull();
        Broker.Sessions.Page().Select(one => one.ClientId).Should().Equal("client", "publisher");
        Broker.Sessions.Count.Should().Be(2);
    }

    [Fact]
    public void Subscriptions_tell_who_would_get_a_topic()
    {
        var (one, two) = (Connect("one"), Connect("two"));
        one.Subscribe("a/+", QoS1);
        one.Subscribe("a/#", QoS2);
        one.Subscribe("b", QoS2);
        two.Subscribe("$share/group/a/b");

        var found = Broker.Subscriptions.Matching("a/b");

        found.Select(subscription => $"{subscription.ClientId} {subscription.Subscription.Filter}").Should().Equal("one a/#", "one a/+", "two $share/group/a/b");
        Broker.Subscriptions.Count.Should().Be(4);
        Broker.Subscriptions.Of("one").Select(subscription => subscription.Subscription.Filter.ToString()).Should().Equal("a/#", "a/+", "b");
        Broker.Subscriptions.Of("nobody").Should().BeEmpty();
        Broker.Subscriptions.To("b").Should().ContainSingle().Which.Subscription.QualityOfService.Should().Be(QoS2);
        Broker.Subscriptions.Page(after: "one").Should().ContainSingle();
        Broker.Subscriptions.Matching("c").Should().BeEmpty();
    }

    [Fact]
    public void Retained_messages_are_found_listed_and_deleted()
    {
        var publisher = Connect("publisher");
        foreach (var name in (string[])["c", "a", "b"])
            publisher.Publish($"t/{name}", name, QoS1, retain: true, packet => packet.ContentType = "text/plain");

        Broker.Retained.Find("t/b")!.ContentType.Should().Be((MqttString)"text/plain");
        Broker.Retained.Page("t/+", count: 2).Select(message => message.Topic.ToString()).Should().Equal("t/a", "t/b");
        Broker.Retained.Page("t/+", "t/b").Select(message => message.Topic.ToString()).Should().Equal("t/c");
        Harness.Finish(() => Broker.Retained.DeleteAsync("t/b")).Should().BeTrue();
        Harness.Finish(() => Broker.Retained.DeleteAsync("t/b")).Should().BeFalse();
        if (HasStore)
            Harness.Restart();

        Broker.Retained.Find("t/b").Should().BeNull();
        if (HasStore)
            Broker.Retained.Page("#").Should().HaveCount(2);
    }
}
