namespace Mqtt.Client;

/// <summary>What a change does to a stored queue.</summary>
public enum MqttPublishChangeKind
{
    /// <summary>A message is taken in, with all its members.</summary>
    Add,

    /// <summary>A message has come to another state: number, state, packet identifier and order count.</summary>
    SetState,

    /// <summary>A message is owed no longer: the number counts.</summary>
    Remove,
}
