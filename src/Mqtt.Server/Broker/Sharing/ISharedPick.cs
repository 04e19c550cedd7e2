namespace Mqtt.Server.Broker.Sharing;

/// <summary>
/// Picks the member of a shared subscription that is to get a message (section 4.8.2 leaves it free). <see cref="SharedPick"/> has the usual
/// ones; set yours as <see cref="MqttBrokerOptions.SharedPick"/>.
/// </summary>
public interface ISharedPick
{
    /// <summary>
    /// Says which member is to get the message. If that one cannot take it (away, no room, packet too large), those after it are asked in
    /// turn; -1, or any other number that is no member's: the one after the last that was picked.
    /// <para>
    /// Called for each message, on the thread that publishes, by several threads at once, and also for messages that move from one member to
    /// another. It must not block. If it throws, that is logged and counts as -1.
    /// </para>
    /// </summary>
    /// <param name="delivery">The message and the members; valid during the call.</param>
    int Pick(in SharedDelivery delivery);
}
