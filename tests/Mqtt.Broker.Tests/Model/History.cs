using System.Text;

namespace Mqtt.Broker.Tests.Model;

/// <summary>Makes histories, plays them, and makes one that fails as short as it can be.</summary>
internal static class History
{
    private const int LongestSteps = 45;

    /// <summary>Plays the history of a seed. Returns <see langword="null"/> if broker and model agree, else what to say: the difference and the shortest history that shows one.</summary>
    public static string? Play(int seed, StoreKind store)
    {
        var steps = new List<Step>();
        if (Try(store, world => Make(new SeededRandom(seed), world, steps)) is not { } failure)
            return null;
        var shortest = Shrink(steps, store);
        var text = new StringBuilder($"{(Try(store, world => Replay(shortest, world)) ?? failure).Message}\n");
        text.AppendLine($"To repeat: MODEL_SEED={seed} MODEL_HISTORIES=1. As a test of its own ({steps.Count} steps before):");
        foreach (var step in shortest)
            text.AppendLine($"    {step},");
        return text.Append(failure).ToString();
    }

    /// <summary>Plays these steps; returns what was wrong.</summary>
    public static Exception? Play(StoreKind store, IReadOnlyList<Step> steps) => Try(store, world => Replay(steps, world));

    private static void Make(SeededRandom random, World world, List<Step> steps)
    {
        var maker = new HistoryMaker(random, world);
        for (var left = random.Next(5, LongestSteps); left > 0; left--)
        {
            steps.Add(maker.Next());
            world.Do(steps[^1]);
        }

        // What is owed at the end is looked for in the store, and then at the clients.
        if (world.HasSlowCommits && random.Chance(50))
        {
            steps.Add(new Crash(1000));
            world.Do(steps[^1]);
        }

        world.Settle();
    }

    private static void Replay(IReadOnlyList<Step> steps, World world)
    {
        foreach (var step in steps)
            world.Do(step);
        world.Settle();
    }

    private static Exception? Try(StoreKind store, Action<World> play)
    {
        World? world = null;
        try
        {
            world = new World(BrokerTests.MakeStore(store));
            play(world);
            world.Dispose();
            return null;
        }
        catch (Exception failure)
        {
            TryDispose(world);
            return failure;
        }
    }

    private static void TryDispose(World? world)
    {
        try
        {
            world?.Dispose();
        }
        catch (Exception)
        {
            // It has failed already.
        }
    }

    // Leaves out ever smaller parts, as long as it fails without them; then what makes a step special.
    private static List<Step> Shrink(List<Step> steps, StoreKind store)
    {
        for (var size = steps.Count / 2; size > 0; size = size > 1 ? size / 2 : 0)
        {
            for (var at = 0; at + size <= steps.Count;)
            {
                List<Step> shorter = [.. steps[..at], .. steps[(at + size)..]];
                if (Play(store, shorter) is null)
                    at += size;
                else
                    steps = shorter;
            }
        }

        for (var at = 0; at < steps.Count; at++)
        {
            for (var option = 0; steps[at].TryMakePlainer(option, out var plainer); option++)
            {
                List<Step> simpler = [.. steps[..at], plainer, .. steps[(at + 1)..]];
                if (plainer != steps[at] && Play(store, simpler) is not null)
                    steps = simpler;
            }
        }

        return steps;
    }
}
