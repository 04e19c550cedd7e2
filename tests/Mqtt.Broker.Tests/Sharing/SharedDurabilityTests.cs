namespace Mqtt.Broker.Tests;

/// <summary>What a shared subscription with a durable member is owed outlives the broker, whoever has it, and is never in two places.</summary>
public sealed class SharedDurabilityTests() : BrokerTests(StoreKind.SlowCommit)
{
    private ManualCommitStore Store => (ManualCommitStore)Harness.Store!;

    [Fact]
    public void A_shared_subscription_and_what_waits_for_it_survive_a_crash()
    {
        Member("one").Cut();
        Member("two").Cut();
        Connect("publisher").Publish("t", "0", QoS1);
        Connect("publisher").Publish("t", "1", QoS2);

        Harness.Crash();

        Resume("one").Receive("t", "0");
        Resume("two").Receive("t", "1");
        Connect("publisher").Publish("t", "2", QoS1).Should().Be(ReasonCode.Success);
    }

    [Theory]
    [InlineData(QualityOfService.AtLeastOnce)]
    [InlineData(QualityOfService.ExactlyOnce)]
    public void A_message_for_a_member_that_is_not_durable_is_stored_if_another_one_is(QualityOfService qualityOfService)
    {
        var passing = Connect("passing");
        passing.Subscribe("$share/g/t", QoS2);
        Member("durable").Cut();
        var publisher = Connect("publisher");
        Hold();

        publisher.SendPublish("t", "0", qualityOfService);

        publisher.ExpectNothing();
        Commit();
        Harness.Crash();
        Harness.CommitsWhenIdle = true;
        var durable = Resume("durable");
        if (qualityOfService == QoS1)
            durable.Receive("t", "0");
        else
            durable.ExpectNothing();
    }

    [Fact]
    public void A_QoS_2_message_that_was_not_sent_to_such_a_member_goes_to_another_after_a_crash()
    {
        var passing = Connect("passing", with: packet => packet.ReceiveMaximum = 1);
        passing.Subscribe("$share/g/t", QoS2);
        Connect("publisher").Publish("t", "0", QoS2);
        passing.ReceiveOnly("t", "0");
        Member("durable").Cut();
        Connect("publisher").Publish("t", "1", QoS2);

        Harness.Crash();

        Resume("durable").Receive("t", "1");
    }

    [Fact]
    public void If_no_member_is_durable_nothing_is_stored_and_nobody_waits()
    {
        var member = Connect("member");
        member.Subscribe("$share/g/t", QoS2);
        var publisher = Connect("publisher");
        Hold();

        publisher.Publish("t", "0", QoS1);
        publisher.Publish("t", "1", QoS2);

        Store.Waiting.Should().BeEmpty();
        member.ReceiveAll("t", "0", "1");
    }

    [Fact]
    public void A_message_that_moves_is_in_exactly_one_place_whenever_the_crash_comes()
    {
        for (var commits = 0; Move(commits); commits++)
        {
        }
    }

    // One member's session ends while messages wait for it; the broker is killed after so many commits. False if there were fewer.
    private bool Move(int commits)
    {
        Renew();
        Member("one").Cut();
        Member("two").Cut();
        var publisher = Connect("publisher");
        for (var i = 0; i < 4; i++)
            publisher.Publish("t", $"{i}", i < 2 ? QoS2 : QoS1);
        Hold();
        var anew = Open();
        anew.Send(new ConnectPacket { ClientId = "one", KeepAliveSeconds = 0, SessionExpiryInterval = 0 });
        Run();

        var wereThere = true;
        for (var i = 0; i < commits && wereThere; i++)
        {
            wereThere = BrokerHarness.Quietly(() => Store.Commit(1)) > 0;
            Run();
        }

        Harness.Crash();
        Harness.CommitsWhenIdle = true;
        ModelClient[] members = [.. new[] { "one", "two" }.Select(clientId => new ModelClient(Harness, clientId, MqttProtocolVersion.V500, isDurable: true))];
        Array.ForEach(members, member => member.Connect());
        do
            Run();
        while (members.Sum(member => member.Process()) > 0);
        members.SelectMany(member => member.Delivered).Select(message => message.Payload).Should().BeEquivalentTo("0", "1", "2", "3");
        Array.ForEach(members, member => member.Cut());
        return wereThere;
    }

    private TestClient Member(string clientId)
    {
        var member = Resume(clientId, with: packet => packet.ReceiveMaximum = 1);
        member.Subscribe("$share/g/t", QoS2);
        return member;
    }

    private void Hold()
    {
        Run();
        Harness.CommitsWhenIdle = false;
    }

    private void Commit()
    {
        Run();
        BrokerHarness.Quietly(Store.Commit);
        Run();
    }
}
