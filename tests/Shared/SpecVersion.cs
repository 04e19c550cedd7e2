namespace Mqtt.Tests;

/// <summary>The edition of the standard that a statement stands in; the same number often means different things in the two.</summary>
public enum SpecVersion
{
    /// <summary>MQTT 3.1.1.</summary>
    V311,

    /// <summary>MQTT 5.0.</summary>
    V5,
}
