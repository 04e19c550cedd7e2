using Polly;
using Polly.Retry;

namespace Mqtt.EndToEnd.Tests;

/// <summary>
/// Two clients and a broker, with messages of QoS 1 and 2 both ways, while every connection of either client is cut at a random byte of either direction. Each cut
/// takes ten milliseconds of virtual time. <c>MQTT_CHAOS_CUTS</c> sets how many cuts there are; by default 1,000, so that the whole suite stays quick.
/// </summary>
[Collection(Alone.Name)]
public class ChaosTests(ITestOutputHelper output)
{
    private static readonly int Cuts = int.TryParse(Environment.GetEnvironmentVariable("MQTT_CHAOS_CUTS"), out var cuts) ? cuts : 1_000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60 + Cuts / 50);

    [Fact]
    public async Task Nothing_is_lost_doubled_at_QoS_2_or_out_of_order_however_often_connections_are_cut()
    {
        var random = new SeededRandom(print: output.WriteLine);
        await using var chaos = await Chaos.BeginAsync(random, Cuts);
        await chaos.RunAsync().WaitAsync(Patience);

        output.WriteLine(chaos.ToString());
        chaos.CutCount.Should().BeGreaterThanOrEqualTo(Cuts);
        chaos.Flows.Should().OnlyContain(flow => flow.ReceivedCount > Cuts / 10, "messages get through between the cuts ({0})", random);
    }

    /// <summary>A broker, and two clients that send to each other.</summary>
    private sealed class Chaos : IAsyncDisposable
    {
        private static readonly ResiliencePipeline AtOnce =
            new ResiliencePipelineBuilder().AddRetry(new RetryStrategyOptions { Delay = TimeSpan.Zero, MaxRetryAttempts = int.MaxValue }).Build();

        private readonly VirtualTime time = new();
        private readonly Lock clock = new();
        private readonly MemoryListener listener = new();
        private readonly MqttBroker broker;
        private readonly MqttServer server;
        private readonly List<MqttClient> clients = [];
        private readonly SeededRandom random;
        private readonly int wanted;
        private int cuts;

        private Chaos(SeededRandom random, int wanted)
        {
            this.random = random;
            this.wanted = wanted;
            broker = new MqttBroker(new MqttBrokerOptions { TimeProvider = time, TakeoversPerMinute = 0 });
            server = new MqttServer(broker, new MqttServerOptions { Addresses = [], Listeners = [listener], TimeProvider = time });
        }

        public int CutCount => Math.Min(Volatile.Read(ref cuts), wanted);

        public bool IsOver => CutCount == wanted;

        public List<Flow> Flows { get; } = [];

        /// <summary>Completes with the first thing that went wrong.</summary>
        public TaskCompletionSource Wrong { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public static async Task<Chaos> BeginAsync(SeededRandom random, int wanted)
        {
            var chaos = new Chaos(random, wanted);
            await chaos.server.StartAsync();
            var one = chaos.Client("one");
            var other = chaos.Client("other");
            foreach (var qualityOfService in new[] { QualityOfService.AtLeastOnce, QualityOfService.ExactlyOnce })
            {
                chaos.Flows.Add(new Flow(chaos, one, other, $"to/other/{qualityOfService}", qualityOfService));
                chaos.Flows.Add(new Flow(chaos, other, one, $"to/one/{qualityOfService}", qualityOfService));
            }

            return chaos;
        }

        public async Task RunAsync()
        {
            await Task.WhenAll(clients.Select(client => client.ConnectAsync().AsTask()));
            await Task.WhenAll(Flows.Select(flow => flow.SubscribeAsync()));
            var sending = Task.WhenAll(Flows.Select(flow => Task.Run(flow.SendAsync)));
            await await Task.WhenAny(sending, Wrong.Task);
        }

        public void Fail(string what) => Wrong.TrySetException(new InvalidOperationException($"{what} ({random})"));

        public async ValueTask DisposeAsync()
        {
            foreach (var client in clients)
                await client.DisposeAsync();
            await server.DisposeAsync();
            await broker.DisposeAsync();
            Flows.ForEach(flow => flow.Dispose());
        }

        public override string ToString() => $"{random}: {CutCount} cuts, {time.Elapsed} of virtual time; {string.Join("; ", Flows)}";

        private MqttClient Client(string name)
        {
            var chance = random.Fork();
            var client = new MqttClient(new MqttClientOptions
            {
                ClientId = name,
                TimeProvider = time,
                SessionExpiry = Timeout.InfiniteTimeSpan,
                Limits = new() { ReceiveMaximum = 16 },
                ConnectChannel = _ => new(Dial(chance)),
                Reconnect = new() { RetryFirstConnect = true, Pipeline = AtOnce },
            });
            var isKnown = false;
            client.Happened += (_, what) =>
            {
                if (what is MqttGaveUpEvent || (isKnown && what is MqttConnectedEvent { Result.SessionPresent: false }))
                    Fail($"{name}: {what}");
                isKnown |= what is MqttConnectedEvent;
            };
            clients.Add(client);
            return client;
        }

        private FaultChannel Dial(SeededRandom chance)
        {
            lock (clock)
                time.Advance(TimeSpan.FromMilliseconds(10));
            var channel = new FaultChannel(listener.Connect(), time);
            channel.Reading.SplitRandomly(chance.Fork(), 200);
            channel.Writing.SplitRandomly(chance.Fork(), 200);
            if (Interlocked.Increment(ref cuts) <= wanted)
                (chance.Chance(50) ? channel.Reading : channel.Writing).CutAfter(chance.Next(1500), chance.Chance(50) ? FaultCut.Abort : FaultCut.End);
            return channel;
        }
    }

    /// <summary>Numbered messages from one client to the other.</summary>
    private sealed class Flow(Chaos chaos, MqttClient sender, MqttClient receiver, string topic, QualityOfService qualityOfService) : IDisposable
    {
        private const int Window = 24;

        private readonly SemaphoreSlim room = new(Window);
        private int duplicates;

        public int ReceivedCount { get; private set; }

        public async Task SubscribeAsync() => await receiver.SubscribeAsync(topic, OnMessage, qualityOfService);

        public async Task SendAsync()
        {
            var acknowledged = new Queue<Task<MqttPublishResult>>();
            for (var number = 0; !chaos.IsOver; number++)
            {
                await room.WaitAsync();
                acknowledged.Enqueue(sender.PublishAsync(topic, $"{number}".PadRight(number % 40, '.'), qualityOfService).AsTask());
                while (acknowledged.Count > Window)
                    (await acknowledged.Dequeue()).EnsureSuccess();
            }

            foreach (var result in await Task.WhenAll(acknowledged))
                result.EnsureSuccess();
            for (var i = 0; i < Window; i++)
                await room.WaitAsync();
        }

        public void Dispose() => room.Dispose();

        public override string ToString() => $"{topic} {ReceivedCount}, {duplicates} again";

        private ValueTask OnMessage(MqttMessage message, CancellationToken cancellationToken)
        {
            var number = int.Parse(message.GetText().TrimEnd('.'), System.Globalization.CultureInfo.InvariantCulture);
            if (number > ReceivedCount)
                chaos.Fail($"{topic}: {number} came before {ReceivedCount}");
            else if (number == ReceivedCount)
                OnNext();
            else if (qualityOfService == QualityOfService.ExactlyOnce)
                chaos.Fail($"{topic}: {number} came twice");
            else
                duplicates++;
            return default;
        }

        private void OnNext()
        {
            ReceivedCount++;
            room.Release();
        }
    }
}
