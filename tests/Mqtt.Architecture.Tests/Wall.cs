namespace Mqtt.Architecture.Tests;

/// <summary>One part of an assembly that must not name another part of it.</summary>
/// <param name="Project">The project that both are in.</param>
/// <param name="From">The part that must not name the other.</param>
/// <param name="To">The part that is not to be named.</param>
/// <param name="Why">The reason, for whoever climbs over.</param>
public sealed record Wall(string Project, Part From, Part To, string Why)
{
    /// <summary>The wall has a door: what is public on the other side may be named. Default: false.</summary>
    public bool PublicMayPass { get; init; }

    /// <summary>True if this use climbs over the wall.</summary>
    public bool IsClimbedBy(TypeUse use) =>
        From.Holds(use.From) && To.Holds(use.To) && (use.IsInternal || !PublicMayPass);
}
