namespace Mqtt.Architecture.Tests;

/// <summary>One type names another; both with their namespaces.</summary>
public sealed record TypeUse(string From, string To)
{
    /// <inheritdoc/>
    public override string ToString() => $"{From} -> {To}";
}
