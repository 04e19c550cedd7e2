namespace Mqtt.Architecture.Tests;

/// <summary>One part of an assembly that must not name another part of it.</summary>
/// <param name="Project">The project that both are in.</param>
/// <param name="From">The namespace that must not name the other, with all below it.</param>
/// <param name="ExceptUnder">A namespace below <paramref name="From"/> that the rule does not hold for, or null.</param>
/// <param name="Never">The namespace, with all below it, that is not to be named.</param>
/// <param name="Why">The reason, for whoever breaks it.</param>
public sealed record Wall(string Project, string From, string? ExceptUnder, string Never, string Why)
{
    /// <summary>True if a type of the first namespace that names a type of the second climbs over the wall.</summary>
    public bool IsClimbedBy(string from, string to) =>
        IsUnder(from, From) && !(ExceptUnder is not null && IsUnder(from, ExceptUnder)) && IsUnder(to, Never);

    private static bool IsUnder(string name, string parent) =>
        name == parent || name.StartsWith(parent + ".", StringComparison.Ordinal);
}
