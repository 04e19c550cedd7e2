namespace Mqtt.Broker.Tests;

/// <summary>Kill the broker while the retained messages of a new subscription are on their way: a durable session gets them all the same, and those of QoS 2 once.</summary>
public sealed class RetainedCrashTests() : BrokerTests(StoreKind.SlowCommit)
{
    private const int TopicCount = 9;

    private ModelClient subscriber = null!;

    private ManualCommitStore Store => (ManualCommitStore)Harness.Store!;

    [Theory, Versions]
    public void A_crash_after_any_commit_loses_no_retained_message_and_repeats_none_of_QoS_2(MqttProtocolVersion version)
    {
        var commits = 0;
        while (Play(version, commits, seesAnswers: true))
            commits++;

        commits.Should().BeGreaterThan(20, "the exchange has many commits");
    }

    [Theory, Versions]
    public void A_crash_before_anybody_hears_of_the_last_commit_does_neither(MqttProtocolVersion version)
    {
        for (var commits = 0; Play(version, commits, seesAnswers: false); commits++)
        {
        }
    }

    [Theory, Versions]
    public void Any_number_of_crashes_do_neither(MqttProtocolVersion version)
    {
        for (var commits = 1; commits < 12; commits++)
        {
            Begin(version);
            for (var round = 0; round < 40; round++)
            {
                Settle(commits);
                Crash();
            }

            Check();
        }
    }

    private bool Play(MqttProtocolVersion version, int commits, bool seesAnswers)
    {
        Begin(version);
        var wereThere = Settle(commits);
        if (!seesAnswers)
            BrokerHarness.Quietly(() => Store.Commit(1));
        Crash();
        Check();
        return wereThere;
    }

    private void Begin(MqttProtocolVersion version)
    {
        Renew();
        WithBroker = options => options with { Limits = options.Limits with { InFlightMaximum = 2, InFlightMaximum3 = 2 } };
        var publisher = Connect("publisher");
        for (var i = 0; i < TopicCount; i++)
            publisher.Publish($"t/{i}", $"{i}", i % 3 == 0 ? QoS1 : QoS2, retain: true);
        publisher.Cut();
        Harness.CommitsWhenIdle = false;
        subscriber = new ModelClient(Harness, "subscriber", version, isDurable: true) { Filters = [new("t/+", QoS2)] };
        subscriber.Connect();

        // From SUBACK on: a client that has not seen it subscribes again, and gets everything again.
        while (!subscriber.IsSubscribed)
            Settle(1);
    }

    private void Crash()
    {
        Harness.Crash();
        Harness.CommitsWhenIdle = false;
        subscriber.Connect();
    }

    private bool Settle(int commits)
    {
        Exchange();
        for (; commits > 0; commits--)
        {
            if (BrokerHarness.Quietly(() => Store.Commit(1)) == 0)
                return false;
            Exchange();
        }

        return true;
    }

    private void Exchange()
    {
        do
            Run();
        while (subscriber.Process() > 0);
    }

    private void Check()
    {
        Settle(int.MaxValue);
        Exchange();

        subscriber.Delivered.Where(message => message.QualityOfService == QoS2).Select(message => message.Payload)
            .Should().BeEquivalentTo("1", "2", "4", "5", "7", "8");
        subscriber.Delivered.Where(message => message.QualityOfService == QoS1).Select(message => message.Payload).Distinct()
            .Should().BeEquivalentTo("0", "3", "6");
        subscriber.Cut();
    }
}
