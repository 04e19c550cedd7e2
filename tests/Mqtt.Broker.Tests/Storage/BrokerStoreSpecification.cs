using Mqtt.Protocol.Delivery;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Broker.Tests;

/// <summary>What every <see cref="IBrokerStore"/> promises. An implementation inherits it, and says how it is made safe and opened again.</summary>
public abstract class BrokerStoreSpecification : IAsyncDisposable
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>The store under test, new and empty.</summary>
    protected abstract IBrokerStore Store { get; }

    /// <summary>Makes everything safe that was written.</summary>
    protected abstract void MakeSafe();

    /// <summary>Opens anew what was safe, as the next process finds it; <see cref="Store"/> is that from here on.</summary>
    protected abstract void Reopen();

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await Store.DisposeAsync();
    }

    // --- Counters

    [Fact]
    public void The_last_counters_are_kept_and_no_older_ones()
    {
        var store = Store.Counters ?? throw new InvalidOperationException("This store keeps no counters.");
        store.Load().Should().BeEmpty();

        var counters = new Dictionary<string, long> { ["a"] = 1, ["b"] = long.MaxValue };
        store.Save(counters);
        counters.Clear();
        counters["a"] = 2;
        MakeSafe();
        Reopen();
        Store.Counters!.Load().Should().Equal(new Dictionary<string, long> { ["a"] = 1, ["b"] = long.MaxValue });

        Store.Counters!.Save(counters);
        MakeSafe();
        Reopen();
        Store.Counters!.Load().Should().Equal(new Dictionary<string, long> { ["a"] = 2 });
    }

    // --- Positions

    [Fact]
    public void Positions_never_fall_and_what_is_safe_reaches_the_last_one()
    {
        long[] positions =
        [
            Store.Sessions.Save(Session("a")),
            Store.Subscriptions.Save("a", new TopicSubscription("t"), 0),
            Store.Messages.Add("a", 1, Entry(), Message("t", "1"), 1),
            Store.Messages.SetState("a", 1, 7, FlightState.AwaitingPubAck),
            Store.Retained.Save(Message("t", "1")),
            Store.Sessions.AddArrival("a", 9),
            Store.Sessions.RemoveArrival("a", 9),
            Store.Messages.Remove("a", 1),
            Store.Subscriptions.Delete("a", "t"),
            Store.Retained.Delete("t"u8.ToArray()),
            Store.Sessions.Delete("a"),
        ];

        positions.Should().BeInAscendingOrder();
        MakeSafe();
        Store.Committed.Should().BeGreaterThanOrEqualTo(positions[^1]);
    }

    [Fact]
    public void Whoever_waits_for_a_position_is_told_when_it_is_safe()
    {
        var seen = -1L;
        Store.CommittedChanged = () => seen = Store.Committed;

        var position = Store.Sessions.Save(Session("a"));
        var safeAtOnce = Store.Committed >= position;
        MakeSafe();

        if (!safeAtOnce)
            seen.Should().BeGreaterThanOrEqualTo(position);
    }

    [Fact]
    public void Nobody_is_called_from_within_a_write()
    {
        var writing = false;
        var called = false;
        Store.CommittedChanged = () => called |= Volatile.Read(ref writing);

        for (var i = 0; i < 100; i++)
        {
            Volatile.Write(ref writing, true);
            Store.Sessions.Save(Session($"{i}"));
            Volatile.Write(ref writing, false);
        }

        called.Should().BeFalse();
    }

    [Fact]
    public void Writes_of_a_unit_become_safe_together()
    {
        Store.BeginUnit();
        var first = Store.Messages.Add("a", 1, Entry(), Message("t", "1"), 1);
        var committedInside = Store.Committed;
        Store.Sessions.AddArrival("a", 9);
        Store.EndUnit();

        (committedInside < first || first == 0).Should().BeTrue("what is safe does not reach into an open unit");
        MakeSafe();
        Store.Committed.Should().BeGreaterThanOrEqualTo(first);
    }

    // --- Sessions

    [Fact]
    public void A_session_is_loaded_as_it_was_saved()
    {
        var will = Message("will", "gone") with { Retain = true, QualityOfService = QualityOfService.ExactlyOnce, ExpiresAt = null };
        Store.Sessions.Save(new SessionRecord("plain", 0, null, null, 0));
        Store.Sessions.Save(new SessionRecord("full", uint.MaxValue, Noon, will, 3600, "user"));
        Settle();

        var sessions = Store.Sessions.Load().ToDictionary(loaded => loaded.Session.ClientId, loaded => loaded.Session);

        sessions.Should().HaveCount(2);
        sessions["plain"].Should().Be(new SessionRecord("plain", 0, null, null, 0));
        var full = sessions["full"];
        (full.ExpirySeconds, full.DisconnectedAt, full.WillDelaySeconds).Should().Be((uint.MaxValue, Noon, 3600u));
        Text(full.Will!.Value).Should().Be(Text(will));
    }

    [Fact]
    public void Saving_a_session_again_replaces_it_and_keeps_what_belongs_to_it()
    {
        FillSession("a");
        Store.Sessions.Save(Session("a") with { ExpirySeconds = 99 });
        Settle();

        Store.Sessions.Load().Should().ContainSingle().Which.Session.ExpirySeconds.Should().Be(99);
        Store.Sessions.Load().Single().Arrivals.Should().Equal((ushort)9);
        Store.Subscriptions.Load().Should().ContainSingle();
        Store.Messages.Load().Should().ContainSingle();
    }

    [Fact]
    public void Deleting_a_session_deletes_all_that_belongs_to_it_and_nothing_else()
    {
        FillSession("a");
        FillSession("b");
        Store.Sessions.Delete("a");
        Store.Sessions.Delete("unknown");
        Settle();

        Store.Sessions.Load().Should().ContainSingle().Which.Session.ClientId.Should().Be("b");
        Store.Subscriptions.Load().Should().ContainSingle().Which.ClientId.Should().Be("b");
        Store.Messages.Load().Should().ContainSingle().Which.ClientId.Should().Be("b");
    }

    [Fact]
    public void A_session_that_is_saved_after_it_was_deleted_is_empty()
    {
        FillSession("a");
        Store.Sessions.Delete("a");
        Store.Sessions.Save(Session("a"));
        Settle();

        Store.Sessions.Load().Should().ContainSingle().Which.Arrivals.Should().BeEmpty();
        Store.Subscriptions.Load().Should().BeEmpty();
        Store.Messages.Load().Should().BeEmpty();
    }

    [Fact]
    public void Client_identifiers_are_told_apart_letter_by_letter()
    {
        foreach (var clientId in (string[])["a", "A", "ä", "a\u0308", " a", "a ", "", "a'b\"c", "\U0001F600"])
            Store.Sessions.Save(Session(clientId));
        Settle();

        Store.Sessions.Load().Should().HaveCount(9);
    }

    [Fact]
    public void Received_identifiers_come_and_go()
    {
        Store.Sessions.Save(Session("a"));
        foreach (var packetId in (ushort[])[1, 65_535, 300])
            Store.Sessions.AddArrival("a", packetId);
        Store.Sessions.AddArrival("a", 300);
        Store.Sessions.RemoveArrival("a", 1);
        Store.Sessions.RemoveArrival("a", 2);
        Store.Sessions.RemoveArrival("unknown", 2);
        Settle();

        Store.Sessions.Load().Single().Arrivals.Should().BeEquivalentTo([(ushort)300, (ushort)65_535]);
    }

    // --- Subscriptions

    [Fact]
    public void A_subscription_is_loaded_as_it_was_saved()
    {
        var subscription = new TopicSubscription("a/+/#", QualityOfService.ExactlyOnce)
        {
            NoLocal = true,
            RetainAsPublished = true,
            RetainHandling = RetainHandling.DoNotSend,
        };
        Store.Sessions.Save(Session("a"));
        Store.Subscriptions.Save("a", subscription, 268_435_455);
        Settle();

        var loaded = Store.Subscriptions.Load().Single();

        loaded.ClientId.Should().Be("a");
        loaded.Identifier.Should().Be(268_435_455);
        loaded.Subscription.Should().Be(subscription);
    }

    [Fact]
    public void A_subscription_to_the_same_filter_replaces_and_others_stay()
    {
        Store.Sessions.Save(Session("a"));
        Store.Sessions.Save(Session("b"));
        Store.Subscriptions.Save("a", new TopicSubscription("t", QualityOfService.ExactlyOnce), 5);
        Store.Subscriptions.Save("a", new TopicSubscription("t", QualityOfService.AtLeastOnce), 0);
        Store.Subscriptions.Save("a", new TopicSubscription("T"), 0);
        Store.Subscriptions.Save("b", new TopicSubscription("t"), 0);
        Store.Subscriptions.Delete("a", "T");
        Store.Subscriptions.Delete("a", "unknown");
        Store.Subscriptions.Delete("unknown", "t");
        Settle();

        Store.Subscriptions.Load().Select(loaded => (loaded.ClientId, loaded.Subscription.QualityOfService, loaded.Identifier))
            .Should().BeEquivalentTo([("a", QualityOfService.AtLeastOnce, 0u), ("b", QualityOfService.AtMostOnce, 0u)]);
    }

    // --- Messages

    [Fact]
    public void A_message_is_loaded_as_it_was_added()
    {
        var message = new MessageRecord("t/ü"u8.ToArray(), new byte[] { 1, 1 }, new byte[] { 0, 255 }, QualityOfService.ExactlyOnce, true, Noon);
        Store.Sessions.Save(Session("a"));
        Store.Messages.Add("a", 5, new QueueEntry(QualityOfService.AtLeastOnce, true, [1, 268_435_455, 1]), message, 77);
        Settle();

        var loaded = Store.Messages.Load().Single();

        (loaded.ClientId, loaded.Sequence, loaded.PacketId, loaded.State).Should().Be(("a", 5L, (ushort)0, FlightState.None));
        (loaded.Entry.QualityOfService, loaded.Entry.Retain).Should().Be((QualityOfService.AtLeastOnce, true));
        loaded.Entry.Identifiers.Should().Equal(1u, 268_435_455u, 1u);
        Text(loaded.Message).Should().Be(Text(message));
    }

    [Fact]
    public void An_empty_message_is_a_message()
    {
        Store.Sessions.Save(Session("a"));
        Store.Messages.Add("a", 1, Entry(), new MessageRecord("t"u8.ToArray(), default, default, QualityOfService.AtLeastOnce, false, null), 1);
        Settle();

        var loaded = Store.Messages.Load().Single();

        loaded.Message.Payload.IsEmpty.Should().BeTrue();
        loaded.Message.ExpiresAt.Should().BeNull();
        (loaded.Entry.Identifiers?.Count ?? 0).Should().Be(0);
    }

    [Fact]
    public void Messages_of_a_session_are_loaded_in_the_order_of_their_sequence_numbers()
    {
        Store.Sessions.Save(Session("a"));
        Store.Sessions.Save(Session("b"));
        for (var i = 1; i <= 300; i++)
            Store.Messages.Add(i % 2 == 0 ? "a" : "b", i, Entry(), Message("t", $"{i}"), i);
        Store.Messages.SetState("a", 200, 4, FlightState.AwaitingPubRec);
        Store.Messages.Remove("a", 100);
        Settle();

        foreach (var clientId in (string[])["a", "b"])
            Store.Messages.Load().Where(entry => entry.ClientId == clientId).Select(entry => entry.Sequence).Should().BeInAscendingOrder();
        Store.Messages.Load().Should().HaveCount(299);
    }

    [Fact]
    public void The_state_of_a_message_is_the_last_that_was_set_and_leaves_the_message_alone()
    {
        Store.Sessions.Save(Session("a"));
        Store.Messages.Add("a", 1, Entry(), Message("t", "1"), 1);
        Store.Messages.SetState("a", 1, 65_535, FlightState.AwaitingPubRec);
        Store.Messages.SetState("a", 1, 65_535, FlightState.AwaitingPubComp);
        Store.Messages.SetState("a", 2, 1, FlightState.AwaitingPubAck);
        Store.Messages.Remove("a", 3);
        Settle();

        var loaded = Store.Messages.Load().Single();

        (loaded.PacketId, loaded.State).Should().Be(((ushort)65_535, FlightState.AwaitingPubComp));
        Text(loaded.Message).Should().Be(Text(Message("t", "1")));
    }

    [Fact]
    public void One_message_may_wait_for_many_sessions_and_go_from_one_without_going_from_the_others()
    {
        for (var i = 0; i < 10; i++)
        {
            Store.Sessions.Save(Session($"{i}"));
            Store.Messages.Add($"{i}", 1, Entry(), Message("t", "shared"), messageId: 5);
        }

        for (var i = 0; i < 9; i++)
            Store.Messages.Remove($"{i}", 1);
        Settle();

        var loaded = Store.Messages.Load().Single();
        loaded.ClientId.Should().Be("9");
        Text(loaded.Message).Should().Be(Text(Message("t", "shared")));
    }

    [Fact]
    public void How_far_retained_messages_have_been_delivered_is_kept_until_they_all_are()
    {
        Store.Sessions.Save(Session("a"));
        Store.Subscriptions.Save("a", new TopicSubscription("t/#"), 0);
        Store.Subscriptions.Save("a", new TopicSubscription("all"), 0);
        Store.Subscriptions.SaveRetained("a", "t/#", default(MqttString));
        Store.Subscriptions.SaveRetained("a", "all", default(MqttString));
        Store.Subscriptions.SaveRetained("a", "unknown", default(MqttString));
        Settle();
        Pending().Should().BeEquivalentTo([("t/#", ""), ("all", "")]);

        Store.Subscriptions.SaveRetained("a", "all", null);
        Store.Messages.Add("a", 1, Entry() with { RetainedFilter = "t/#" }, Message("t/1", "1"), 1);
        Store.Subscriptions.Save("a", new TopicSubscription("t/#", QualityOfService.AtLeastOnce), 0);
        Settle();
        Pending().Should().Equal(("t/#", "t/1"));
        Store.Messages.Load().Single().Entry.RetainedFilter.ToString().Should().Be("t/#");

        Store.Subscriptions.Delete("a", "t/#");
        Settle();
        Pending().Should().BeEmpty();
    }

    private List<(string Filter, string After)> Pending() => [.. Store.Subscriptions.LoadRetained().Select(pending => (pending.Filter.ToString(), pending.After.ToString()))];

    [Fact]
    public void An_entry_says_for_which_shared_subscription_it_is()
    {
        Store.Sessions.Save(Session("a"));
        Store.Messages.Add("a", 1, Entry(), Message("t", "own"), 1);
        Store.Messages.Add("a", 2, Entry() with { SharedFilter = "$share/g/+/ü" }, Message("t", "shared"), 2);
        Settle();

        Store.Messages.Load().Select(loaded => loaded.Entry.SharedFilter.ToString()).Should().Equal("", "$share/g/+/ü");
    }

    [Fact]
    public void A_session_that_was_never_saved_may_have_messages_until_it_is_deleted()
    {
        Store.Messages.Add("passing", 1, Entry(), Message("t", "1"), 1);
        Settle();

        Store.Messages.Load().Should().ContainSingle().Which.ClientId.Should().Be("passing");
        Store.Sessions.Load().Should().BeEmpty();

        Store.Sessions.Delete("passing");
        Settle();
        Store.Messages.Load().Should().BeEmpty();
    }

    [Fact]
    public void Numbers_of_messages_may_come_again_after_a_restart()
    {
        Store.Sessions.Save(Session("a"));
        Store.Messages.Add("a", 1, Entry(), Message("t", "old"), messageId: 1);
        Settle();
        Store.Messages.Add("a", 2, Entry(), Message("t", "new"), messageId: 1);
        Settle();

        Store.Messages.Load().Select(entry => Text(entry.Message)).Should().Equal(Text(Message("t", "old")), Text(Message("t", "new")));
    }

    [Fact]
    public void What_a_store_is_given_is_borrowed()
    {
        var topic = "topic"u8.ToArray();
        var payload = "payload"u8.ToArray();
        var filter = "filter"u8.ToArray();
        var message = new MessageRecord(topic, default, payload, QualityOfService.AtLeastOnce, false, null);
        Store.Sessions.Save(Session("a") with { Will = message });
        Store.Subscriptions.Save("a", new TopicSubscription(MqttString.FromUtf8(filter)), 0);
        Store.Messages.Add("a", 1, Entry(), message, 1);
        Store.Retained.Save(message);

        foreach (var bytes in (byte[][])[topic, payload, filter])
            Array.Fill(bytes, (byte)'x');
        Settle();

        var expected = Text(new MessageRecord("topic"u8.ToArray(), default, "payload"u8.ToArray(), QualityOfService.AtLeastOnce, false, null));
        Text(Store.Sessions.Load().Single().Session.Will!.Value).Should().Be(expected);
        Store.Subscriptions.Load().Single().Subscription.Filter.ToString().Should().Be("filter");
        Text(Store.Messages.Load().Single().Message).Should().Be(expected);
        Text(Store.Retained.Load().Single()).Should().Be(expected);
    }

    // --- Retained messages

    [Fact]
    public void The_last_message_of_a_topic_is_the_retained_one_until_it_is_deleted()
    {
        Store.Retained.Save(Message("a", "old"));
        Store.Retained.Save(Message("a", "new") with { ExpiresAt = Noon });
        Store.Retained.Save(Message("A", "other"));
        Store.Retained.Save(Message("deleted", "x"));
        Store.Retained.Delete("deleted"u8.ToArray());
        Store.Retained.Delete("unknown"u8.ToArray());
        Settle();

        Store.Retained.Load().Select(Text).Should().BeEquivalentTo([Text(Message("a", "new") with { ExpiresAt = Noon }), Text(Message("A", "other"))]);
    }

    private void Settle()
    {
        MakeSafe();
        Reopen();
    }

    private void FillSession(string clientId)
    {
        Store.Sessions.Save(Session(clientId));
        Store.Sessions.AddArrival(clientId, 9);
        Store.Subscriptions.Save(clientId, new TopicSubscription("t"), 0);
        Store.Messages.Add(clientId, 1, Entry(), Message("t", "1"), 1);
    }

    private static SessionRecord Session(string clientId) => new(clientId, 60, null, null, 0);

    private static QueueEntry Entry() => new(QualityOfService.AtLeastOnce, false, null);

    private static MessageRecord Message(string topic, string payload) => new(
        System.Text.Encoding.UTF8.GetBytes(topic), default, System.Text.Encoding.UTF8.GetBytes(payload), QualityOfService.AtLeastOnce, false, null);

    private static string Text(MessageRecord message) =>
        $"{Convert.ToHexString(message.Topic.Span)} {Convert.ToHexString(message.Properties.Span)} {Convert.ToHexString(message.Payload.Span)} {message.QualityOfService} {message.Retain} {message.ExpiresAt:O}";
}

/// <summary>The store in memory lives as long as its object.</summary>
public sealed class MemoryStoreTests : BrokerStoreSpecification
{
    protected override IBrokerStore Store { get; } = new MemoryStore();

    protected override void MakeSafe()
    {
    }

    protected override void Reopen()
    {
    }
}

/// <summary>The test double keeps the contract too, or what is tested over it would prove nothing.</summary>
public sealed class ManualCommitStoreTests : BrokerStoreSpecification
{
    private ManualCommitStore store = new();

    protected override IBrokerStore Store => store;

    protected override void MakeSafe() => store.Commit();

    protected override void Reopen() => store = store.Crash();

    [Fact]
    public void Nothing_is_safe_before_it_is_committed()
    {
        var first = Keep("a");
        var second = Keep("b");
        store.Committed.Should().BeLessThan(first);

        store.Commit(1);

        store.Committed.Should().Be(first).And.BeLessThan(second);
        store.Crash().Retained.Load().Should().ContainSingle();
    }

    [Fact]
    public void A_unit_is_never_torn()
    {
        store.BeginUnit();
        Keep("a");
        Keep("b");
        store.EndUnit();
        Keep("c");

        store.Commit(1).Should().Be(2);

        store.Crash().Retained.Load().Should().HaveCount(2);
    }

    private long Keep(string topic) => store.Retained.Save(new MessageRecord(System.Text.Encoding.UTF8.GetBytes(topic), default, default, QualityOfService.AtMostOnce, true, null));
}
