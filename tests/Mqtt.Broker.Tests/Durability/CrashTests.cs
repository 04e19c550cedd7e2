namespace Mqtt.Broker.Tests;

/// <summary>
/// Kill the broker at any moment: nothing acknowledged is lost, and nothing at QoS 2 is delivered twice. One scripted exchange is
/// played again and again, and ended after each of its commits.
/// </summary>
public sealed class CrashTests() : BrokerTests(StoreKind.SlowCommit)
{
    private const int MessageCount = 9;

    private ModelClient publisher = null!;
    private ModelClient subscriber = null!;

    private ManualCommitStore Store => (ManualCommitStore)Harness.Store!;

    [Theory, Versions]
    [Spec(V311, "4.1.0-1")]
    [Spec(V311, "4.5.0-1")]
    [Spec(V5, "4.5.0-1")]
    public void A_crash_after_any_commit_loses_nothing_and_repeats_no_QoS_2_message(MqttProtocolVersion version)
    {
        var commits = 0;
        while (Play(version, commits, seesAnswers: true))
            commits++;

        commits.Should().BeGreaterThan(30, "the exchange has many commits");
    }

    [Theory, Versions]
    public void A_crash_before_anybody_hears_of_the_last_commit_loses_nothing_and_repeats_no_QoS_2_message(MqttProtocolVersion version)
    {
        for (var commits = 0; Play(version, commits, seesAnswers: false); commits++)
        {
        }
    }

    [Theory, Versions]
    public void Any_number_of_crashes_one_soon_after_the_other_lose_nothing_and_repeat_no_QoS_2_message(MqttProtocolVersion version)
    {
        for (var commits = 1; commits < 12; commits++)
        {
            Begin(version);
            for (var round = 0; round < 60; round++)
            {
                Settle(commits);
                Harness.Crash();
                Connect();
            }

            Check();
        }
    }

    // False if the exchange was over before so many commits.
    private bool Play(MqttProtocolVersion version, int commits, bool seesAnswers)
    {
        Begin(version);
        var wereThere = Settle(commits);
        if (seesAnswers)
            Exchange();
        Harness.Crash();
        Connect();
        Check();
        return wereThere;
    }

    private void Begin(MqttProtocolVersion version)
    {
        Renew();
        publisher = new ModelClient(Harness, "publisher", version, isDurable: true);
        subscriber = new ModelClient(Harness, "subscriber", version, isDurable: true) { Filters = [new("t", QoS2)] };
        Connect();
        Settle(int.MaxValue);
        subscriber.IsSubscribed.Should().BeTrue();
        publisher.IsConnected.Should().BeTrue();
        for (var i = 0; i < MessageCount; i++)
            publisher.Publish("t", $"{i}", i % 3 == 0 ? QoS1 : QoS2);
    }

    private void Connect()
    {
        Harness.CommitsWhenIdle = false;
        publisher.Connect();
        subscriber.Connect();
    }

    // Lets both clients do what they have to, and commits one write after the other.
    private bool Settle(int commits)
    {
        for (; commits > 0; commits--)
        {
            Exchange();
            if (BrokerHarness.Quietly(() => Store.Commit(1)) == 0)
                return false;
        }

        return true;
    }

    private void Exchange()
    {
        do
            Run();
        while (publisher.Process() + subscriber.Process() > 0);
    }

    private void Check()
    {
        Settle(int.MaxValue);
        Exchange();

        publisher.OutgoingCount.Should().Be(0);
        publisher.Owned.Should().HaveCount(MessageCount);
        var once = subscriber.Delivered.Where(message => message.QualityOfService == QoS2).Select(message => message.Payload);
        once.Should().Equal("1", "2", "4", "5", "7", "8");
        var atLeastOnce = subscriber.Delivered.Where(message => message.QualityOfService == QoS1).Select(message => message.Payload).Distinct();
        atLeastOnce.Should().Equal("0", "3", "6");
    }
}
