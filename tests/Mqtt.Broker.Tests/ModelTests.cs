namespace Mqtt.Broker.Tests;

/// <summary>
/// Clients that do anything at any time, against what must be true in the end: nothing that the broker acknowledged is lost for a durable
/// session, nothing at QoS 2 comes twice, and per publisher, topic and QoS everything comes in order.
/// </summary>
public abstract class ModelTests(StoreKind store, ITestOutputHelper output) : BrokerTests(store)
{
    private const int RunCount = 40;
    private const int StepCount = 400;

    private static readonly string[] Topics = ["a", "b", "a/b"];

    public sealed class WithoutStore(ITestOutputHelper output) : ModelTests(StoreKind.None, output);

    public sealed class WithMemoryStore(ITestOutputHelper output) : ModelTests(StoreKind.Memory, output);

    public sealed class WithSlowCommits(ITestOutputHelper output) : ModelTests(StoreKind.SlowCommit, output);

    [Fact]
    [Spec(V311, "4.3.2-1")]
    [Spec(V311, "4.3.3-1")]
    [Spec(V311, "4.3.3-2")]
    [Spec(V311, "4.4.0-1")]
    [Spec(V311, "4.5.0-1")]
    [Spec(V311, "4.6.0-6")]
    [Spec(V5, "4.4.0-1")]
    [Spec(V5, "4.5.0-1")]
    [Spec(V5, "4.6.0-5")]
    [Spec(V5, "4.6.0-6")]
    public void Whatever_clients_do_the_promises_of_each_QoS_are_kept()
    {
        var random = new SeededRandom(print: output.WriteLine);
        for (var i = 0; i < RunCount; i++)
        {
            var run = new SeededRandom(i == 0 ? random.Seed : random.Next());
            Renew();
            try
            {
                new Model(Harness, run, HasSlowCommits).Play(StepCount);
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"To repeat: {SeededRandom.Variable}={run.Seed}", failure);
            }
        }
    }

    private sealed class Model
    {
        private readonly BrokerHarness harness;
        private readonly SeededRandom random;
        private readonly bool mayCrash;
        private readonly List<ModelClient> clients = [];
        private readonly List<Sent> sent = [];

        public Model(BrokerHarness harness, SeededRandom random, bool mayCrash)
        {
            (this.harness, this.random, this.mayCrash) = (harness, random, mayCrash);
            for (var i = 0; i < 5; i++)
            {
                var version = (MqttProtocolVersion)random.Next((int)MqttProtocolVersion.V310, (int)MqttProtocolVersion.V500 + 1);
                clients.Add(new ModelClient(harness, $"client{i}", version, isDurable: i != 0) { Filters = MakeFilters() });
            }
        }

        private ManualCommitStore? Slow => harness.Store as ManualCommitStore;

        public void Play(int steps)
        {
            harness.CommitsWhenIdle = !mayCrash;
            for (var i = 0; i < steps; i++)
                Step(clients[random.Next(clients.Count)]);
            Settle();
            foreach (var client in clients)
                Check(client);
            clients.ForEach(client => client.Cut());
        }

        private void Step(ModelClient client)
        {
            switch (random.Next(100))
            {
                case < 40 when client.IsConnected && client.OutgoingCount < 20:
                    Publish(client);
                    break;
                case < 50 when !client.HasConnection || random.Chance(10):
                    client.Connect();
                    break;
                case < 53:
                    client.Cut();
                    break;
                case < 54 when client.IsConnected:
                    client.Disconnect();
                    break;
                case < 56 when client.IsConnected && client.Filters.Count > 0:
                    client.SubscribeAgain();
                    break;
                case < 80:
                    client.Process(random.Next(1, 6));
                    break;
                case < 81 when mayCrash && random.Chance(30):
                    harness.Crash();
                    harness.CommitsWhenIdle = false;
                    break;
                case < 90 when mayCrash:
                    BrokerHarness.Quietly(() => Slow!.Commit(random.Next(1, 8)));
                    break;
                default:
                    for (var work = random.Next(1, 30); work > 0; work--)
                        BrokerHarness.Quietly(harness.Pump.RunOne);
                    break;
            }
        }

        private void Publish(ModelClient from)
        {
            var topic = Topics[random.Next(Topics.Length)];
            var quality = (QualityOfService)random.Next(3);
            var payload = $"{sent.Count}";
            sent.Add(new Sent(from, topic, quality, payload, [.. clients.Where(client => client.IsDurable && client.IsSubscribed)]));
            from.Publish(topic, payload, quality);
        }

        // Everybody is there until nothing is left to do.
        private void Settle()
        {
            harness.CommitsWhenIdle = true;
            harness.Run();
            foreach (var client in clients)
            {
                client.Process();
                if (!client.HasConnection)
                    client.Connect();
            }

            do
                harness.Run();
            while (clients.Sum(client => client.Process()) > 0);

            clients.Should().OnlyContain(client => client.IsConnected && client.OutgoingCount == 0);
        }

        private void Check(ModelClient receiver)
        {
            var counts = receiver.Delivered.CountBy(message => message.Payload).ToDictionary();
            foreach (var message in sent)
            {
                var quality = message.QualityFor(receiver);
                var count = counts.GetValueOrDefault(message.Payload);
                if (quality is null)
                    count.Should().Be(0, "{0} did not subscribe to {1}", receiver.ClientId, message);

                // A session that ends with its connection does not outlive the broker either: what its publisher sends again is new to the next one.
                if (quality == QoS2 && (receiver.IsDurable || !mayCrash))
                    count.Should().BeLessThan(2, "{0} comes once to {1}", message, receiver.ClientId);
                if (quality >= QoS1 && message.Expecting.Contains(receiver) && message.From.Owned.Contains(message.Payload))
                    count.Should().BeGreaterThan(0, "{0} was acknowledged, and {1} is owed it", message, receiver.ClientId);
            }

            // What passed a client by at first, since it was away or not subscribed, may reach it later if it is sent again.
            var owed = sent.Where(message => message.Expecting.Contains(receiver) && message.QualityFor(receiver) >= QoS1);
            foreach (var sequence in owed.GroupBy(message => (message.From, message.Topic, message.QualityOfService)))
            {
                var payloads = sequence.Select(message => message.Payload).ToHashSet();
                receiver.Delivered.Select(message => message.Payload).Where(payloads.Contains).Distinct().Select(int.Parse)
                    .Should().BeInAscendingOrder("{0} gets {1} in order", receiver.ClientId, sequence.Key);
            }
        }

        private List<TopicSubscription> MakeFilters()
        {
            string[] all = ["a", "b", "a/b", "+", "#", "a/+"];
            return [.. all.Where(_ => random.Chance(35)).Select(filter => new TopicSubscription(filter, (QualityOfService)random.Next(3)))];
        }
    }

    private sealed record Sent(ModelClient From, string Topic, QualityOfService QualityOfService, string Payload, HashSet<ModelClient> Expecting)
    {
        /// <summary>The QoS at which a client gets the message; nothing if it does not.</summary>
        public QualityOfService? QualityFor(ModelClient client)
        {
            var granted = client.Filters.Where(filter => MqttTopic.Matches(filter.Filter.Span, System.Text.Encoding.UTF8.GetBytes(Topic))).ToList();
            return granted.Count == 0 ? null : (QualityOfService)Math.Min((int)QualityOfService, (int)granted.Max(filter => filter.QualityOfService));
        }

        public override string ToString() => $"message {Payload} of {From.ClientId} on {Topic} at QoS {(int)QualityOfService}";
    }
}
