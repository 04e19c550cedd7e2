namespace Mqtt.Protocol;

/// <summary>How surely a message is delivered (section 4.3).</summary>
public enum QualityOfService : byte
{
    /// <summary>QoS 0: once or not at all.</summary>
    AtMostOnce = 0,

    /// <summary>QoS 1: once or more often.</summary>
    AtLeastOnce = 1,

    /// <summary>QoS 2: exactly once.</summary>
    ExactlyOnce = 2,
}
