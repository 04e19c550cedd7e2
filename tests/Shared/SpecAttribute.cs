using Xunit.v3;

namespace Mqtt.Tests;

/// <summary>
/// Says which normative statement of the standard a test proves: <c>[Spec(V5, "3.3.1-4")]</c>. The results of all tests that carry it
/// become <c>docs/conformance.md</c>.
/// </summary>
/// <param name="version">The edition of the standard.</param>
/// <param name="number">The statement's number without the leading <c>MQTT-</c>, as in <c>tests/spec</c>.</param>
[AttributeUsage(AttributeTargets.Method | AttributeTargets.Class, AllowMultiple = true)]
public sealed class SpecAttribute(SpecVersion version, string number) : Attribute, ITraitAttribute
{
    /// <summary>The name of the trait that test results carry, also for single rows of a theory.</summary>
    public const string Trait = "Spec";

    /// <summary>The edition of the standard.</summary>
    public SpecVersion Version { get; } = version;

    /// <summary>The statement's number without the leading <c>MQTT-</c>.</summary>
    public string Number { get; } = number;

    /// <summary>The value of the trait <see cref="Trait"/>, for example <c>5.0/MQTT-3.3.1-4</c>.</summary>
    public static string Statement(SpecVersion version, string number) => $"{(version == SpecVersion.V5 ? "5.0" : "3.1.1")}/MQTT-{number}";

    /// <inheritdoc/>
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new(Trait, Statement(Version, Number))];
}
