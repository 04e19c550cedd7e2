namespace Mqtt.Client;

/// <summary>Where a message goes.</summary>
/// <param name="Receivers">The subscriptions that get it, each once.</param>
/// <param name="Leftover">What becomes of it if there are none.</param>
internal readonly record struct Route(MqttSubscription[] Receivers, Leftover Leftover);

/// <summary>What becomes of a message that no subscription gets.</summary>
internal enum Leftover
{
    /// <summary>It matches nothing: it goes to <see cref="MqttClient.Unclaimed"/>, and is acknowledged.</summary>
    Unclaimed,

    /// <summary>Its subscription is just ending: it is acknowledged and dropped.</summary>
    Acknowledge,

    /// <summary>Its subscription was left to the server for the next run: it stays unacknowledged, and comes again then.</summary>
    Withhold,
}
