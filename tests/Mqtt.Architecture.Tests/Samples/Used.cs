namespace Mqtt.Architecture.Tests.Samples;

/// <summary>The type that every other sample names in its own way.</summary>
public class Used
{
    public static int Count() => 1;

    internal static int CountInside() => 1;
}

[AttributeUsage(AttributeTargets.All)]
public sealed class UsedAttribute : Attribute;

public sealed class UsedException : Exception;

internal static class UsedInside
{
    public static int Count() => 1;
}
