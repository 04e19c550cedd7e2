namespace Mqtt.Architecture.Tests;

/// <summary>One type names another of its assembly; both with their namespaces.</summary>
/// <param name="From">The type that names.</param>
/// <param name="To">The type that is named.</param>
/// <param name="IsInternal">Users of the assembly could not: the type is not public, or the member of it that is named is not.</param>
public sealed record TypeUse(string From, string To, bool IsInternal = false)
{
    /// <inheritdoc/>
    public override string ToString() => $"{From} -> {(IsInternal ? "internals of " : "")}{To}";
}
