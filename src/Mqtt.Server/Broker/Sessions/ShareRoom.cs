namespace Mqtt.Server.Broker.Sessions;

/// <summary>In what state a session must be to take a message of a shared subscription: the best first, the others only if no member is in it.</summary>
internal enum ShareRoom
{
    /// <summary>Connected, and the message can leave now.</summary>
    Now,

    /// <summary>Connected, and the message can wait behind others.</summary>
    Queue,

    /// <summary>Away, and the message can wait for the client. Not at QoS 0.</summary>
    Away,
}
