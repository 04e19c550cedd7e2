using System.Globalization;
using Mqtt.Broker.Tests.Model;

namespace Mqtt.Broker.Tests;

/// <summary>
/// Random histories of several clients against the broker, and against a model that can be read in ten minutes (<see cref="BrokerModel"/>):
/// what each client must, may and must not receive. 5,000 of them over no store, the memory store and the slow-commit double; more take
/// an environment variable.
/// <para>
/// A history that fails is made as short as it can be and printed, with its seed, as the lines of C# that make it.
/// Histories have the seeds from 1 on; <c>MODEL_SEED=17</c> begins with another, <c>MODEL_HISTORIES=20000</c> plays another number of them, over each store.
/// </para>
/// </summary>
public abstract class ModelTests(StoreKind store, int count, ITestOutputHelper output)
{
    public sealed class WithoutStore(ITestOutputHelper output) : ModelTests(StoreKind.None, 1000, output);

    public sealed class WithMemoryStore(ITestOutputHelper output) : ModelTests(StoreKind.Memory, 1000, output);

    public sealed class WithSlowCommits(ITestOutputHelper output) : ModelTests(StoreKind.SlowCommit, 3000, output);

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
    public void Whatever_clients_do_the_broker_does_what_the_model_says()
    {
        var first = Variable("MODEL_SEED") ?? 1;
        var histories = Variable("MODEL_HISTORIES") ?? count;
        output.WriteLine($"{histories} histories; to repeat: MODEL_SEED={first} MODEL_HISTORIES={histories}");
        var buffers = new BufferLeakCheck();
        var failures = new SortedDictionary<int, string>();
        var next = first - 1;

        // Each history runs on one thread alone; the first that fails ends the others.
        void PlayAll()
        {
            while (failures.Count == 0 && Interlocked.Increment(ref next) is var seed && seed < first + histories)
            {
                if (History.Play(seed, store) is not { } failure)
                    continue;
                lock (failures)
                    failures.Add(seed, failure);
            }
        }

        Parallel.Invoke([.. Enumerable.Repeat(PlayAll, Environment.ProcessorCount)]);
        failures.Values.FirstOrDefault().Should().BeNull("after {0} histories", next - first);
        buffers.Verify();
    }

    // As it was printed when it failed: the second message overtook the first, whose identifier waited for the store.
    [Fact]
    public void A_history_that_failed_once_is_right()
    {
        var failure = History.Play(
            store,
            [
                new Connect("c", Expiry: 4),
                new Commit(1000),
                new Subscribe("c", "will/+", QoS: 2),
                new Commit(1000),
                new Connect("a", Expiry: 100000, Window: 1, Will: new Will("will/a", 9, QoS: 2)),
                new Commit(1000),
                new Cut("c"),
                new Connect("a", Version: 4),
                new Connect("c"),
                new Commit(1000),
                new Publish("a", "will/a", 12, QoS: 2),
            ]);

        failure.Should().BeNull();
    }

    private static int? Variable(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : null;
}
