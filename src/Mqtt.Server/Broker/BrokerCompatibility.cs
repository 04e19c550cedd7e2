using Mqtt.Protocol;

namespace Mqtt.Server.Broker;

/// <summary>Switches for clients, or programs around them, that expect something else than this broker does. All off by default.</summary>
public sealed record BrokerCompatibility
{
    /// <summary>Says 0x80 (unspecified error) where it would say 0x87 (not authorised), so that nobody learns what he may not see.</summary>
    public bool HideNotAuthorized { get; init; }

    /// <summary>Sends <see cref="MqttBrokerOptions.ResponseInformation"/> to every 5.0 client, also to one that did not ask for it. The standard forbids it [MQTT-3.1.2-28].</summary>
    public bool AlwaysSendResponseInformation { get; init; }

    /// <summary>
    /// Closes the connection of a 3.x client whose publish of QoS 1 or 2 is refused, which it cannot be told. Off, the message is acknowledged and dropped. The standard allows both
    /// [MQTT-3.3.5-2].
    /// </summary>
    public bool CloseOnRefusedPublish { get; init; }

    /// <summary>
    /// Counts on where the last broker with the same store ended, and so do the totals below <c>$SYS</c>; kept on each <see cref="MqttBrokerOptions.SystemInterval"/> and at
    /// the end. What stood for the moment begins anew: who is connected, how long the broker runs. Needs a store with <see cref="Storage.IBrokerStore.Counters"/>; without one
    /// it does nothing.
    /// </summary>
    public bool RestoreStatistics { get; init; }

    /// <summary>The code that a client is to see.</summary>
    internal ReasonCode Shown(ReasonCode code) => HideNotAuthorized && code == ReasonCode.NotAuthorized ? ReasonCode.UnspecifiedError : code;
}
