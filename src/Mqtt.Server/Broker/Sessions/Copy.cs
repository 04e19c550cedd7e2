using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>One session's copy of a message, in its queue or in flight. The message is held once for each copy.</summary>
/// <param name="Message">The message; <see langword="null"/> in flight where it is never sent again.</param>
/// <param name="QualityOfService">The QoS of the copy.</param>
/// <param name="Retain">Its RETAIN flag.</param>
/// <param name="Identifiers">Its subscription identifiers; <see langword="null"/> for none.</param>
/// <param name="Sequence">Its number in the store; 0 if it is not kept there.</param>
/// <param name="Share">The shared subscription that it belongs to; <see langword="null"/> if it is the session's own.</param>
internal readonly record struct Copy(
    StoredMessage? Message, QualityOfService QualityOfService, bool Retain, uint[]? Identifiers, long Sequence, Share? Share = null);
