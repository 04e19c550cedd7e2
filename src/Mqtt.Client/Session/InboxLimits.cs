namespace Mqtt.Client;

/// <summary>How much may wait in an <see cref="Inbox"/>.</summary>
/// <param name="Count">How many messages.</param>
/// <param name="Bytes">How many bytes of topics, properties and payloads.</param>
/// <param name="Overflow">What becomes of a message of QoS 0 beyond that.</param>
/// <param name="ExcessBytes">How many bytes more a stream takes whose policy is to wait, while reading must go on.</param>
internal readonly record struct InboxLimits(int Count, int Bytes, MqttOverflow Overflow, int ExcessBytes);
