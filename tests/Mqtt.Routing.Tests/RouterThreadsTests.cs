using System.Text;
using Mqtt.Server.Broker.Routing;

namespace Mqtt.Routing.Tests;

/// <summary>Messages are routed without a lock while subscriptions come and go.</summary>
public sealed class RouterThreadsTests(ITestOutputHelper output)
{
    private const int Topics = 2_000;

    // Of each thread.
    private const int Answers = 200_000;

    // Of the filter of each topic: how often it came and went. Odd: it is there. While it changes there is no telling, and a one is added here.
    private const int Changing = 1 << 30;

    private readonly Router<Client> router = new();
    private readonly Client[] clients = [.. Enumerable.Range(0, Topics).Select(number => new Client(number))];
    private readonly byte[][] topics = [.. Enumerable.Range(0, Topics).Select(number => Encoding.UTF8.GetBytes($"t/{number}/x"))];
    private readonly int[] changes = new int[Topics];

    [Fact]
    public async Task What_has_come_or_gone_is_seen_by_every_message_that_comes_later_on_any_thread()
    {
        var random = new SeededRandom(print: output.WriteLine);
        var readers = Enumerable.Range(0, 3).Select(_ => random.Next(int.MaxValue)).Select(seed => Task.Factory.StartNew(
            () => Read(new Random(seed)), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();

        while (!readers.All(reader => reader.IsCompleted))
            Toggle(random.Next(Topics));

        foreach (var reader in readers)
            (await reader).Should().Be(0, "of {0} answers none may be wrong, {1}", Answers, random);
    }

    // Every other filter has a wildcard.
    private void Toggle(int number)
    {
        var filter = number % 2 == 0 ? $"t/{number}/x" : $"t/{number}/#";
        var next = changes[number] + 1;
        Interlocked.Exchange(ref changes[number], next | Changing);
        if (next % 2 == 1)
            router.Add(filter, new(clients[number], default, NoLocal: false));
        else
            router.Remove(filter, clients[number]);
        Interlocked.Exchange(ref changes[number], next);
    }

    // How many answers are wrong. Some topics again and again, so that their answers are kept, and between them others that take their places.
    private int Read(Random random)
    {
        var (told, wrong) = (0, 0);
        while (told < Answers)
        {
            var first = random.Next(Topics);
            router.Fetch(topics[first], [new(0, topics[first].Length)]);
            for (var i = 0; i < 50; i++)
            {
                var number = (first + (i % 5)) % Topics;
                var before = Volatile.Read(ref changes[number]);
                var targets = router.Find(topics[number]).Targets;
                Interlocked.MemoryBarrier();
                if (before >= Changing || Volatile.Read(ref changes[number]) != before)
                    continue;
                told++;
                if (targets.Length != before % 2 || !All(targets, clients[number]))
                    wrong++;
            }

            router.Find(Encoding.UTF8.GetBytes($"other/{random.Next(20_000)}"));
        }

        return wrong;
    }

    private static bool All(in Receivers<Client> targets, Client client)
    {
        foreach (ref readonly var target in targets)
        {
            if (target.Subscriber != client)
                return false;
        }

        return true;
    }

    private sealed record Client(int Number);
}
