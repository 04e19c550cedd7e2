namespace Mqtt.Client;

/// <summary>A message that waits in an <see cref="Inbox"/>, and what it is acknowledged by.</summary>
internal readonly record struct InboxItem(MessageContent Content, Receipt Receipt);
