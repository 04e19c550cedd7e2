using System.Globalization;

namespace Mqtt.Testing;

/// <summary>
/// Chance that can be repeated: it says which seed it has, and gives the same numbers for the same seed on every machine. Without a seed
/// it takes the one of the environment variable <c>MQTT_TEST_SEED</c>, else a new one.
/// <code>
/// var random = new SeededRandom(print: output.WriteLine); // "seed 1804289383"; to repeat: MQTT_TEST_SEED=1804289383
/// </code>
/// <para>Not safe for several threads: hand each its own, made of <see cref="Fork"/>.</para>
/// </summary>
public sealed class SeededRandom : Random
{
    /// <summary>The environment variable that sets the seed.</summary>
    public const string Variable = "MQTT_TEST_SEED";

    /// <summary>Creates it.</summary>
    /// <param name="seed">The seed. Default: that of the environment, else a new one.</param>
    /// <param name="print">Where the seed is printed, once. Default: nowhere; put <see cref="Seed"/> into the test's messages then.</param>
    public SeededRandom(int? seed = null, Action<string>? print = null)
        : this(seed ?? FromEnvironment() ?? Shared.Next())
    {
        print?.Invoke($"{this}; to repeat: {Variable}={Seed}");
    }

    private SeededRandom(int seed)
        : base(seed) => Seed = seed;

    /// <summary>The seed: what repeats everything.</summary>
    public int Seed { get; }

    /// <summary>True with a probability of <paramref name="percent"/> in a hundred.</summary>
    public bool Chance(int percent) => Next(100) < percent;

    /// <summary>Another one, whose seed follows from this one.</summary>
    public SeededRandom Fork() => new(Next());

    /// <summary>Says the seed.</summary>
    public override string ToString() => $"seed {Seed}";

    private static int? FromEnvironment() =>
        int.TryParse(Environment.GetEnvironmentVariable(Variable), CultureInfo.InvariantCulture, out var seed) ? seed : null;
}
