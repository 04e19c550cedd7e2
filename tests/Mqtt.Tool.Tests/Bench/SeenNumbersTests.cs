using Mqtt.Tool.Bench;

namespace Mqtt.Tool.Tests.Bench;

public class SeenNumbersTests
{
    [Fact]
    public void It_tells_as_a_set_of_all_numbers_would()
    {
        for (var seed = 0; seed < 200; seed++)
        {
            var random = new Random(seed);
            var (seen, tally) = (default(SeenNumbers), new BenchTally());
            var (all, latest) = (new HashSet<uint>(), 0u);
            var (duplicates, late) = (0, 0);
            for (var i = 0; i < 300; i++)
            {
                // Near the front, where the window reaches, with jumps over all of it now and then.
                var number = random.Next(20) == 0 ? latest + (uint)random.Next(1, 130) : (uint)Math.Max(1, latest + random.Next(-62, 4));
                if (!all.Add(number))
                    duplicates++;
                else if (number < latest)
                    late++;
                latest = Math.Max(latest, number);
                seen.Take(number, tally);
            }

            (tally.Duplicates, tally.Late).Should().Be((duplicates, late), $"seed {seed}");
        }
    }
}
