namespace Mqtt.HotPath.Tests;

/// <summary>Tests that look at what the whole process does: nothing else runs beside them.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    public const string Name = "Alone";
}
