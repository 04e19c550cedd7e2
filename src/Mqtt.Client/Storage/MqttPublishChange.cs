namespace Mqtt.Client;

/// <summary>A change of a stored queue.</summary>
/// <param name="Kind">What is to be done.</param>
/// <param name="Message">The message; which of its members count, <paramref name="Kind"/> says.</param>
public readonly record struct MqttPublishChange(MqttPublishChangeKind Kind, MqttStoredPublish Message);
