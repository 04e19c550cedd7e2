namespace Mqtt.Architecture.Tests;

/// <summary>A part of an assembly, named by its types.</summary>
/// <param name="Names">Full names of types; one that ends in <c>.*</c> is a namespace with all below it.</param>
public sealed record Part(params string[] Names)
{
    /// <summary>What does not belong to it all the same.</summary>
    public Part? Except { get; init; }

    /// <summary>True if the type, given by its full name, belongs to this part.</summary>
    public bool Holds(string type) => Names.Any(name => IsNamedBy(name, type)) && Except?.Holds(type) is not true;

    private static bool IsNamedBy(string name, string type) =>
        name.EndsWith(".*", StringComparison.Ordinal) ? type.StartsWith(name[..^1], StringComparison.Ordinal) : type == name;
}
