using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Retained;

/// <summary>
/// How far the retained messages of a new subscription have come to its session. It goes through the topics in the order of their bytes, so
/// that a store can keep where it stands. Whoever pulls with it uses it alone.
/// </summary>
/// <param name="filter">The filter; it owns its bytes.</param>
/// <param name="granted">The QoS that was granted.</param>
/// <param name="identifier">The subscription identifier; 0 for none.</param>
/// <param name="newest">The number of the newest message that is meant: later ones come as they are published.</param>
internal sealed class RetainedCursor(MqttString filter, QualityOfService granted, uint identifier, long newest)
{
    private readonly uint[]? identifiers = identifier == 0 ? null : [identifier];

    public MqttString Filter => filter;

    public QualityOfService Granted => granted;

    public uint[]? Identifiers => identifiers;

    public long Newest => newest;

    /// <summary>The last topic that was pulled or passed over; empty at the beginning.</summary>
    public MqttString After { get; set; }

    /// <summary>Nothing is left.</summary>
    public bool IsDone { get; set; }

    /// <summary>Topics whose message is in the session's queue already, from before the broker began anew; <see langword="null"/> for none.</summary>
    public HashSet<MqttString>? Known { get; init; }
}
