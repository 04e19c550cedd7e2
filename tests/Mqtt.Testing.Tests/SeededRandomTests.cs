namespace Mqtt.Testing.Tests;

public class SeededRandomTests
{
    [Fact]
    public void The_same_seed_gives_the_same_numbers()
    {
        var first = new SeededRandom();
        var again = new SeededRandom(first.Seed);

        Numbers(again).Should().Equal(Numbers(first));
    }

    [Fact]
    public void Another_seed_gives_other_numbers() => Numbers(new SeededRandom(1)).Should().NotEqual(Numbers(new SeededRandom(2)));

    [Fact]
    public void The_numbers_of_a_seed_never_change() => Numbers(new SeededRandom(2030)).Take(3).Should().Equal(536078649, 981655722, 1532537443);

    [Fact]
    public void A_fork_follows_from_its_origin() => Numbers(new SeededRandom(3).Fork()).Should().Equal(Numbers(new SeededRandom(3).Fork()));

    [Fact]
    public void It_prints_how_to_repeat_it()
    {
        var printed = new List<string>();

        var random = new SeededRandom(print: printed.Add);

        printed.Should().Equal($"seed {random.Seed}; to repeat: MQTT_TEST_SEED={random.Seed}");
    }

    private static int[] Numbers(Random random) => [.. Enumerable.Range(0, 20).Select(_ => random.Next())];
}
