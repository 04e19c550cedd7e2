namespace Mqtt.Broker.Tests;

public abstract class WillTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : WillTests(StoreKind.None);

    public sealed class WithMemoryStore() : WillTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : WillTests(StoreKind.SlowCommit);

    [Theory, Versions]
    [Spec(V311, "3.1.2-8")]
    [Spec(V311, "3.1.2-10")]
    [Spec(V5, "3.1.2-7")]
    [Spec(V5, "3.1.2-8")]
    [Spec(V5, "3.1.2-10")]
    public void The_will_is_published_once_if_the_network_breaks(MqttProtocolVersion version)
    {
        var watcher = Watcher();
        Resume("client", version, With()).Cut();

        watcher.Receive("will", "gone");
        Advance(10);
        Resume("client", version).Cut();
        watcher.ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V311, "3.1.2-10")]
    [Spec(V311, "3.14.4-3")]
    [Spec(V5, "3.1.2-8")]
    [Spec(V5, "3.14.4-3")]
    public void A_normal_DISCONNECT_deletes_the_will(MqttProtocolVersion version)
    {
        var watcher = Watcher();

        Resume("client", version, With()).Disconnect();
        Advance(10);

        watcher.ExpectNothing();
    }

    [Theory]
    [InlineData(ReasonCode.DisconnectWithWillMessage)]
    [InlineData(ReasonCode.UnspecifiedError)]
    [InlineData(ReasonCode.ImplementationSpecificError)]
    public void A_DISCONNECT_with_another_code_does_not(ReasonCode code)
    {
        var watcher = Watcher();

        Connect("client", with: With()).Disconnect(code);

        watcher.Receive("will", "gone");
    }

    [Theory, Versions]
    [Spec(V311, "3.1.2-8")]
    [Spec(V5, "3.1.2-8")]
    public void The_will_is_published_if_the_keep_alive_runs_out(MqttProtocolVersion version)
    {
        var watcher = Watcher();
        Connect("client", version, packet =>
        {
            With()(packet);
            packet.KeepAliveSeconds = 2;
        });

        // The connection that is told goodbye has some time to take it.
        Advance(3 + 2.5);

        watcher.Receive("will", "gone");
    }

    [Theory, Versions]
    [Spec(V311, "3.1.2-8")]
    [Spec(V5, "3.1.2-8")]
    public void The_will_is_published_if_the_client_breaks_the_protocol(MqttProtocolVersion version)
    {
        var watcher = Watcher();
        var client = Connect("client", version, With());

        client.SendBytes(0xFF, 0);

        watcher.Receive("will", "gone");
    }

    [Theory, Versions]
    [Spec(V311, "3.1.2-12")]
    public void Without_a_will_nothing_is_published(MqttProtocolVersion version)
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("#");

        Connect("client", version).Cut();

        watcher.ExpectNothing();
    }

    [Theory, Versions]
    [Spec(V311, "3.1.2-9")]
    [Spec(V311, "3.1.2-14")]
    [Spec(V311, "3.1.2-16")]
    [Spec(V311, "3.1.2-17")]
    [Spec(V5, "3.1.2-9")]
    [Spec(V5, "3.1.2-12")]
    [Spec(V5, "3.1.2-14")]
    [Spec(V5, "3.1.2-15")]
    public void The_will_has_its_own_QoS_and_RETAIN(MqttProtocolVersion version)
    {
        var watcher = Watcher();
        foreach (var quality in (QualityOfService[])[QoS0, QoS1, QoS2])
        {
            Connect("client", version, packet =>
            {
                With()(packet);
                packet.Will!.QualityOfService = quality;
            }).Cut();
            watcher.Receive("will", "gone").QualityOfService.Should().Be(quality);
        }

        Broker.RetainedCount.Should().Be(0);
        Connect("client", version, packet =>
        {
            With()(packet);
            packet.Will!.Retain = true;
        }).Cut();
        var late = Connect("late");
        late.Subscribe("will");
        late.Receive("will", "gone").Retain.Should().BeTrue();
    }

    [Theory, Versions]
    public void A_retained_will_without_payload_clears_its_topic(MqttProtocolVersion version)
    {
        Connect("publisher").Publish("will", "alive", retain: true);

        Connect("client", version, packet => packet.Will = new WillMessage { Topic = "will", Retain = true }).Cut();

        Broker.RetainedCount.Should().Be(0);
    }

    [Fact]
    [Spec(V5, "3.1.3-10")]
    public void The_will_carries_its_properties_but_for_the_delay()
    {
        var watcher = Watcher();
        Connect("client", with: packet =>
        {
            With(delay: 0)(packet);
            packet.Will!.PayloadFormatIndicator = 1;
            packet.Will.MessageExpiryInterval = 60;
            packet.Will.ContentType = "text/plain";
            packet.Will.ResponseTopic = "answer";
            packet.Will.CorrelationData = new byte[] { 1, 2 };
            packet.Will.UserProperties = [("b", "1"), ("a", "2"), ("b", "3")];
        }).Cut();

        var will = watcher.Receive("will", "gone");
        will.PayloadFormatIndicator.Should().Be(1);
        will.MessageExpiryInterval.Should().Be(60);
        will.ContentType!.Value.ToString().Should().Be("text/plain");
        will.ResponseTopic!.Value.ToString().Should().Be("answer");
        will.CorrelationData!.Value.ToArray().Should().Equal(1, 2);
        will.UserProperties.Select(pair => $"{pair.Name}={pair.Value}").Should().Equal("b=1", "a=2", "b=3");
    }

    [Theory]
    [InlineData("$SYS/broker")]
    [InlineData("$share/g/t")]
    public void A_will_for_a_topic_that_clients_must_not_write_is_dropped(string topic)
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("$SYS/#");

        Connect("client", with: packet => packet.Will = new WillMessage { Topic = topic, Payload = "gone"u8.ToArray(), Retain = true }).Cut();

        watcher.ExpectNothing();
        Broker.RetainedCount.Should().Be(0);
    }

    [Theory, Versions]
    public void The_will_of_a_new_connection_replaces_that_of_the_old_one(MqttProtocolVersion version)
    {
        var watcher = Watcher();
        Resume("client", version, With("old")).Disconnect();
        Resume("client", version, With("new")).Cut();

        watcher.Receive("will", "new");
        watcher.ExpectNothing();
    }

    [Fact]
    [Spec(V5, "3.8.3-3")]
    public void A_will_is_not_for_its_own_client_if_that_wants_nothing_of_its_own()
    {
        var client = Resume("client", with: With());
        client.Subscribe([new TopicSubscription("will", QoS1) { NoLocal = true }]);
        var watcher = Watcher();
        client.Cut();
        watcher.Receive("will", "gone");

        Resume("client").ExpectNothing();
    }

    // --- Will delay

    [Fact]
    [Spec(V5, "3.1.2-8")]
    public void A_delayed_will_is_published_when_its_delay_has_passed()
    {
        var watcher = Watcher();
        Resume("client", with: With(delay: 10)).Cut();

        Advance(9.8);
        watcher.ExpectNothing();
        Advance(0.4);

        watcher.Receive("will", "gone");
        Advance(60);
        watcher.ExpectNothing();
    }

    [Fact]
    [Spec(V5, "3.1.3-9")]
    [Spec(V5, "3.1.2-8")]
    public void A_delayed_will_is_cancelled_by_a_connection_that_resumes_the_session()
    {
        var watcher = Watcher();
        Resume("client", with: With(delay: 10)).Cut();
        Advance(9);

        Resume("client");

        Advance(60);
        watcher.ExpectNothing();
    }

    [Fact]
    [Spec(V5, "3.1.2-8")]
    public void A_delayed_will_is_published_when_the_session_ends_earlier()
    {
        var watcher = Watcher();
        Resume("client", with: packet =>
        {
            With(delay: 100)(packet);
            packet.SessionExpiryInterval = 10;
        }).Cut();

        Advance(9.8);
        watcher.ExpectNothing();
        Advance(0.4);

        watcher.Receive("will", "gone");
        Broker.SessionCount.Should().Be(1);
    }

    [Fact]
    [Spec(V5, "3.1.2-8")]
    public void A_delayed_will_is_published_at_once_if_the_session_ends_with_the_connection()
    {
        var watcher = Watcher();

        Connect("client", with: With(delay: 100)).Cut();

        watcher.Receive("will", "gone");
    }

    [Fact]
    public void A_delayed_will_is_published_at_once_if_the_client_comes_back_with_a_clean_start()
    {
        var watcher = Watcher();
        Resume("client", with: With(delay: 100)).Cut();

        Connect("client");

        watcher.Receive("will", "gone");
    }

    [Fact]
    public void A_delayed_will_is_published_at_once_if_DISCONNECT_ends_the_session_with_another_code_than_0()
    {
        var watcher = Watcher();

        Resume("client", with: With(delay: 100)).Disconnect(ReasonCode.DisconnectWithWillMessage, expiry: 0);

        watcher.Receive("will", "gone");
    }

    [Fact]
    public void The_expiry_of_a_delayed_will_begins_when_it_is_published()
    {
        var watcher = Watcher();
        Resume("client", with: packet =>
        {
            With(delay: 20)(packet);
            packet.Will!.MessageExpiryInterval = 10;
        }).Cut();

        Advance(20.2);

        watcher.Receive("will", "gone").MessageExpiryInterval.Should().Be(10);
    }

    // --- Restarts

    [Fact]
    public void A_delayed_will_is_due_after_a_restart_with_its_expiry_and_only_once()
    {
        if (!HasStore)
            return;
        Resume("client", with: packet =>
        {
            With(delay: 20)(packet);
            packet.Will!.MessageExpiryInterval = 30;
        }).Cut();
        Advance(5);
        Harness.Restart();

        var watcher = Watcher();
        Advance(14);
        watcher.ExpectNothing();
        Advance(2);
        watcher.Receive("will", "gone").MessageExpiryInterval.Should().Be(30);

        Harness.Restart();
        watcher = Watcher();
        Advance(60);
        watcher.ExpectNothing();
    }

    [Theory, Versions]
    public void The_will_of_a_client_that_was_there_when_the_broker_was_killed_is_published_when_it_is_back(MqttProtocolVersion version)
    {
        if (!HasSlowCommits)
            return;
        var watcher = Resume("watcher");
        watcher.Subscribe("will", QoS1);
        Resume("client", version, packet =>
        {
            With()(packet);
            packet.Will!.QualityOfService = QoS1;
        });

        Harness.Crash();
        Advance(1);

        watcher = Resume("watcher");
        watcher.Receive("will", "gone");
        watcher.ExpectNothing();
    }

    [Theory, Versions]
    public void When_the_server_stops_a_will_without_delay_is_published(MqttProtocolVersion version)
    {
        if (!HasStore)
            return;
        var watcher = Resume("watcher");
        watcher.Subscribe("will", QoS1);
        watcher.Cut();
        Resume("client", version, packet =>
        {
            With()(packet);
            packet.Will!.QualityOfService = QoS1;
        });

        Harness.Restart();

        Resume("watcher").Receive("will", "gone");
    }

    private TestClient Watcher()
    {
        var watcher = Connect("watcher");
        watcher.Subscribe("will", QoS2);
        return watcher;
    }

    private static Action<ConnectPacket> With(string payload = "gone", uint? delay = null) => packet =>
    {
        packet.Will = new WillMessage { Topic = "will", Payload = System.Text.Encoding.UTF8.GetBytes(payload) };
        if (delay is not null)
            packet.Will.DelayInterval = delay;
    };
}
