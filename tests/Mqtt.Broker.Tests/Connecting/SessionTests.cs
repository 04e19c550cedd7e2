namespace Mqtt.Broker.Tests;

public abstract class SessionTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : SessionTests(StoreKind.None);

    public sealed class WithMemoryStore() : SessionTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : SessionTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "3.1.2-4")]
    [Spec(V311, "3.2.2-2")]
    [Spec(V311, "3.2.2-3")]
    [Spec(V311, "4.1.0-1")]
    [Spec(V5, "3.1.2-5")]
    [Spec(V5, "3.1.2-6")]
    [Spec(V5, "3.1.2-23")]
    [Spec(V5, "3.2.2-3")]
    [Spec(V5, "4.1.0-1")]
    public void A_kept_session_is_resumed_with_its_subscriptions(MqttProtocolVersion version)
    {
        var first = Resume("client", version);
        first.Answer.SessionPresent.Should().BeFalse("there was none");
        first.Subscribe("t", QoS1);
        first.Cut();

        var second = Resume("client", version);

        second.Answer.SessionPresent.Should().Be(version != MqttProtocolVersion.V310, "3.1 has no such flag");
        Connect("publisher").Publish("t", "message", QoS1);
        second.Receive("t", "message");
    }

    [Theory, Versions]
    [Spec(V311, "3.1.2-6")]
    [Spec(V311, "3.1.4-3")]
    [Spec(V311, "3.2.2-1")]
    [Spec(V5, "3.1.2-4")]
    [Spec(V5, "3.1.4-4")]
    [Spec(V5, "3.2.2-2")]
    public void A_clean_start_discards_the_kept_session_and_all_it_was_owed(MqttProtocolVersion version)
    {
        var first = Resume("client", version);
        first.Subscribe("t", QoS1);
        first.Cut();
        Connect("publisher").Publish("t", "queued", QoS1);

        var second = Connect("client", version);

        second.Answer.SessionPresent.Should().BeFalse();
        Connect("publisher").Publish("t", "later", QoS1);
        second.ExpectNothing();
        Broker.SessionCount.Should().Be(2);
    }

    [Theory, Versions(Only3 = true)]
    [Spec(V311, "3.1.2-6")]
    public void The_session_of_a_3_client_with_CleanSession_ends_with_its_connection(MqttProtocolVersion version)
    {
        var first = Connect("client", version);
        first.Subscribe("t", QoS1);
        first.Cut();

        Broker.SessionCount.Should().Be(0);
        Resume("client", version).Answer.SessionPresent.Should().BeFalse();
    }

    [Fact]
    public void The_session_of_a_5_client_without_an_expiry_ends_with_its_connection_even_if_it_was_no_clean_start()
    {
        Resume("client", with: packet => packet.SessionExpiryInterval = null).Cut();

        Broker.SessionCount.Should().Be(0);
        Resume("client").Answer.SessionPresent.Should().BeFalse();
    }

    [Fact]
    public void A_5_client_that_starts_clean_with_an_expiry_keeps_the_new_session()
    {
        Connect("client", with: packet => packet.SessionExpiryInterval = 10).Cut();

        Resume("client").Answer.SessionPresent.Should().BeTrue();
    }

    [Fact]
    [Spec(V5, "3.1.2-23")]
    [Spec(V5, "4.1.0-2")]
    public void A_session_of_5_is_there_until_its_expiry_has_passed_and_not_longer()
    {
        Resume("client", with: packet => packet.SessionExpiryInterval = 10).Cut();
        Advance(9.8);
        var again = Resume("client", with: packet => packet.SessionExpiryInterval = 10);
        again.Answer.SessionPresent.Should().BeTrue();

        again.Cut();
        Advance(10.3);

        Broker.SessionCount.Should().Be(0);
        Resume("client").Answer.SessionPresent.Should().BeFalse();
    }

    [Theory, Versions]
    [Spec(V311, "4.1.0-2")]
    [Spec(V5, "4.1.0-1")]
    public void A_session_does_not_expire_while_its_client_is_connected(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { MaximumSessionExpiry = TimeSpan.FromSeconds(5) } };
        var client = Resume("client", version);
        client.Subscribe("t", QoS1);

        Advance(60);

        Connect("publisher").Publish("t", "message", QoS1);
        client.Receive("t", "message");
    }

    [Fact]
    public void The_cap_on_session_expiry_is_announced_and_holds()
    {
        WithBroker = options => options with { Limits = new() { MaximumSessionExpiry = TimeSpan.FromSeconds(30) } };
        var client = Resume("client", with: packet => packet.SessionExpiryInterval = uint.MaxValue);
        client.Answer.SessionExpiryInterval.Should().Be(30);
        client.Cut();

        Advance(29);
        Broker.SessionCount.Should().Be(1);
        Advance(2);
        Broker.SessionCount.Should().Be(0);
    }

    [Fact]
    public void The_cap_on_session_expiry_is_seven_days_by_default() =>
        Resume("client", with: packet => packet.SessionExpiryInterval = uint.MaxValue).Answer.SessionExpiryInterval.Should().Be(7 * 24 * 3600);

    [Theory, Versions(Only3 = true)]
    public void The_cap_holds_for_3_clients_without_CleanSession_too(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { MaximumSessionExpiry = TimeSpan.FromSeconds(30) } };
        Resume("client", version).Cut();

        Advance(31);

        Broker.SessionCount.Should().Be(0);
    }

    [Theory, Versions]
    public void Without_a_cap_a_session_may_stay_for_ever(MqttProtocolVersion version)
    {
        WithBroker = options => options with { Limits = new() { MaximumSessionExpiry = null } };
        Resume("client", version, packet =>
        {
            if (version == MqttProtocolVersion.V500)
                packet.SessionExpiryInterval = uint.MaxValue;
        }).Cut();

        Advance(2 * Hour);

        Broker.SessionCount.Should().Be(1);
    }

    [Fact]
    public void DISCONNECT_may_shorten_the_session_expiry()
    {
        Resume("client").Disconnect(expiry: 10);

        Advance(9);
        Broker.SessionCount.Should().Be(1);
        Advance(2);
        Broker.SessionCount.Should().Be(0);
    }

    [Fact]
    public void DISCONNECT_may_end_the_session()
    {
        Resume("client").Disconnect(expiry: 0);

        Broker.SessionCount.Should().Be(0);
        Resume("client").Answer.SessionPresent.Should().BeFalse();
    }

    [Fact]
    public void DISCONNECT_may_lengthen_the_session_expiry_up_to_the_cap()
    {
        WithBroker = options => options with { Limits = new() { MaximumSessionExpiry = TimeSpan.FromSeconds(30) } };
        Resume("client", with: packet => packet.SessionExpiryInterval = 1).Disconnect(expiry: 1000);

        Advance(29);
        Broker.SessionCount.Should().Be(1);
        Advance(2);
        Broker.SessionCount.Should().Be(0);
    }

    [Fact]
    public void DISCONNECT_that_raises_a_session_expiry_of_0_is_no_valid_DISCONNECT()
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("will");
        var client = Connect("client", with: packet => packet.Will = new WillMessage { Topic = "will", Payload = "gone"u8.ToArray() });

        client.Send(new DisconnectPacket { SessionExpiryInterval = 10 });
        client.ExpectGoodbye(ReasonCode.ProtocolError);
        client.Cut();

        watcher.Receive("will", "gone");
        Broker.SessionCount.Should().Be(1);
    }

    [Theory, Versions]
    [Spec(V311, "3.14.4-2")]
    [Spec(V5, "3.14.4-1")]
    public void After_DISCONNECT_nothing_of_the_client_is_processed_and_nothing_is_sent(MqttProtocolVersion version)
    {
        var client = Connect("client", version);
        client.Subscribe("t");
        client.Send(new DisconnectPacket());
        client.Send(new PublishPacket { Topic = "t", Payload = "late"u8.ToArray(), Retain = true });

        client.ExpectEnd();

        Broker.RetainedCount.Should().Be(0);
    }

    [Theory, Versions]
    [Spec(V311, "3.1.2-7")]
    public void Retained_messages_are_no_part_of_the_session(MqttProtocolVersion version)
    {
        var client = Connect("client", version);
        client.Publish("t", "kept", QoS1, retain: true);
        client.Disconnect();

        var other = Connect("other", version);
        other.Subscribe("t");

        other.Receive("t", "kept").Retain.Should().BeTrue();
    }

    [Theory, Versions]
    public void A_kept_session_outlives_the_broker_where_there_is_a_store(MqttProtocolVersion version)
    {
        var client = Resume("client", version);
        client.Subscribe("t", QoS2);
        client.Cut();
        Connect("publisher").Publish("t", "queued", QoS2);

        Harness.Restart();

        var again = Resume("client", version);
        if (!HasStore)
        {
            again.ExpectNothing();
            return;
        }

        again.Receive("t", "queued");
        Connect("publisher").Publish("t", "later", QoS2);
        again.Receive("t", "later");
    }

    [Fact]
    public void A_session_that_DISCONNECT_ended_is_not_there_after_a_restart()
    {
        var client = Resume("client");
        client.Subscribe("t", QoS1);
        client.Disconnect(expiry: 0);

        Harness.Restart();

        Broker.SessionCount.Should().Be(0);
    }

    [Fact]
    public void A_session_that_was_resumed_without_an_expiry_is_not_there_after_it_ended_and_a_restart()
    {
        Resume("client").Cut();
        Resume("client", with: packet => packet.SessionExpiryInterval = null).Cut();

        Harness.Restart();

        Broker.SessionCount.Should().Be(0);
    }

    [Fact]
    public void The_time_that_the_broker_is_down_counts_against_the_session()
    {
        Resume("client", with: packet => packet.SessionExpiryInterval = 10).Cut();
        Harness.Stop();
        Harness.Time.Advance(TimeSpan.FromSeconds(11));

        Harness.Begin();
        Advance(0.2);

        Broker.SessionCount.Should().Be(0);
    }
}
