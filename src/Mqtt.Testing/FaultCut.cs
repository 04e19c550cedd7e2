namespace Mqtt.Testing;

/// <summary>How a <see cref="FaultChannel"/> ends a direction.</summary>
public enum FaultCut
{
    /// <summary>The connection is aborted in both directions, as by a reset; what the other side has not read is lost.</summary>
    Abort,

    /// <summary>
    /// The direction ends in order: the receiver reads everything up to the cut, then the end of the stream. Writing beyond it fails.
    /// </summary>
    End,
}
