using Mqtt.Server.Broker.Sharing;

namespace Mqtt.Broker.Tests;

/// <summary>
/// Members of shared subscriptions that come and go at every point, against what must be true in the end: every acknowledged message has
/// come to a member of each group, and at QoS 2 never twice. One member of each group never leaves for good.
/// </summary>
public abstract class SharedModelTests(StoreKind store, ITestOutputHelper output) : BrokerTests(store)
{
    private const int RunCount = 60;
    private const int StepCount = 500;

    public sealed class WithoutStore(ITestOutputHelper output) : SharedModelTests(StoreKind.None, output);

    public sealed class WithMemoryStore(ITestOutputHelper output) : SharedModelTests(StoreKind.Memory, output);

    public sealed class WithSlowCommits(ITestOutputHelper output) : SharedModelTests(StoreKind.SlowCommit, output);

    [Fact]
    [Spec(V5, "4.8.2-4")]
    public void While_sessions_last_every_message_comes_to_one_member_of_each_group() => Play(sessionsEnd: false);

    [Fact]
    [Spec(V5, "4.8.2-5")]
    public void When_sessions_end_nothing_at_QoS_1_is_lost_and_nothing_at_QoS_2_comes_twice() => Play(sessionsEnd: true);

    private void Play(bool sessionsEnd)
    {
        var random = new SeededRandom(print: output.WriteLine);
        var owned = 0;
        for (var i = 0; i < RunCount; i++)
        {
            var run = new SeededRandom(i == 0 ? random.Seed : random.Next());
            Renew();
            ISharedPick[] picks = [SharedPick.RoundRobin, SharedPick.Random, SharedPick.Sticky, SharedPick.TopicHash];
            WithBroker = options => options with
            {
                SharedPick = picks[run.Seed % picks.Length],
                SharedMovesOnConnectionLoss = run.Seed % 3 == 0,
                Limits = options.Limits with { InFlightMaximum = 1 + (run.Seed % 5), InFlightMaximum3 = 1 + (run.Seed % 7) },
            };
            try
            {
                var model = new Model(Harness, run, HasSlowCommits, sessionsEnd);
                model.Play(StepCount);
                owned += model.OwnedCount;
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"To repeat: {SeededRandom.Variable}={run.Seed}", failure);
            }
        }

        owned.Should().BeGreaterThan(RunCount * 10, "else nothing was tried");
    }

    private sealed class Model
    {
        private readonly BrokerHarness harness;
        private readonly SeededRandom random;
        private readonly bool mayCrash;
        private readonly bool sessionsEnd;
        private readonly ModelClient publisher;
        private readonly List<ModelClient> members = [];
        private readonly List<(string Payload, QualityOfService QualityOfService)> sent = [];

        public Model(BrokerHarness harness, SeededRandom random, bool mayCrash, bool sessionsEnd)
        {
            (this.harness, this.random, this.mayCrash, this.sessionsEnd) = (harness, random, mayCrash, sessionsEnd);
            publisher = new ModelClient(harness, "publisher", MqttProtocolVersion.V500, isDurable: true);
            for (var i = 0; i < 4; i++)
            {
                // The first is durable and never unsubscribes: the groups last.
                var version = random.Chance(50) ? MqttProtocolVersion.V311 : MqttProtocolVersion.V500;
                members.Add(new ModelClient(harness, $"member{i}", version, isDurable: i == 0 || !sessionsEnd || random.Chance(50))
                {
                    Filters = i == 0 || random.Chance(70) ? [new("$share/g/+", QoS2), new("$share/h/a", QoS2)] : [new("$share/g/+", QoS2)],
                });
            }
        }

        private ModelClient Anybody => members[random.Next(members.Count)];

        private IEnumerable<ModelClient> Everybody => [publisher, .. members];

        /// <summary>How many messages were taken over.</summary>
        public int OwnedCount => publisher.Owned.Count;

        public void Play(int steps)
        {
            publisher.Connect();
            members[0].Connect();
            Exchange();
            members[0].IsSubscribed.Should().BeTrue();
            harness.CommitsWhenIdle = !mayCrash;
            for (var i = 0; i < steps; i++)
                Step();
            Settle();
            Check();
            foreach (var client in Everybody)
                client.Cut();
        }

        private void Step()
        {
            var member = Anybody;
            switch (random.Next(100))
            {
                case < 30 when publisher.IsConnected && publisher.OutgoingCount < 20:
                    Publish();
                    break;
                case < 34 when !publisher.HasConnection || random.Chance(20):
                    publisher.Connect();
                    break;
                case < 42 when !member.HasConnection || random.Chance(5):
                    member.Connect(anew: sessionsEnd && member != members[0] && random.Chance(30));
                    break;
                case < 46:
                    member.Cut();
                    break;
                case < 47 when member.IsConnected:
                    member.Disconnect();
                    break;
                case < 49 when member.IsConnected && member != members[0]:
                    member.Unsubscribe();
                    break;
                case < 52 when member.IsConnected:
                    member.SubscribeAgain();
                    break;
                case < 80:
                    (random.Chance(30) ? publisher : member).Process(random.Next(1, 6));
                    break;
                case < 81 when mayCrash && random.Chance(50):
                    harness.Crash();
                    harness.CommitsWhenIdle = false;
                    break;
                case < 90 when mayCrash:
                    BrokerHarness.Quietly(() => ((ManualCommitStore)harness.Store!).Commit(random.Next(1, 8)));
                    break;
                default:
                    for (var work = random.Next(1, 30); work > 0; work--)
                        BrokerHarness.Quietly(harness.Pump.RunOne);
                    break;
            }
        }

        private void Publish()
        {
            var topic = random.Chance(50) ? "a" : "b";
            var quality = random.Chance(50) ? QoS1 : QoS2;
            sent.Add(($"{topic}{sent.Count}", quality));
            publisher.Publish(topic, sent[^1].Payload, quality);
        }

        // Everybody is there until nothing is left to do.
        private void Settle()
        {
            harness.CommitsWhenIdle = true;
            harness.Run();
            foreach (var client in Everybody)
            {
                client.Process();
                if (!client.HasConnection)
                    client.Connect();
            }

            Exchange();
            Everybody.Should().OnlyContain(client => client.IsConnected && client.OutgoingCount == 0);
        }

        private void Exchange()
        {
            do
                harness.Run();
            while (Everybody.Sum(client => client.Process()) > 0);
        }

        private void Check()
        {
            var delivered = members.SelectMany(member => member.Delivered).CountBy(message => message.Payload).ToDictionary();
            foreach (var (payload, quality) in sent)
            {
                // Both groups match "a", and one of them "b".
                var groups = payload[0] == 'a' ? 2 : 1;
                var count = delivered.GetValueOrDefault(payload);
                if (publisher.Owned.Contains(payload) && (quality == QoS1 || !sessionsEnd))
                    count.Should().BeGreaterThanOrEqualTo(groups, "{0} of QoS {1} was acknowledged, and each group is owed it", payload, (int)quality);
                if (quality == QoS2)
                    count.Should().BeLessThanOrEqualTo(groups, "{0} comes once to each group", payload);
            }
        }
    }
}
