namespace Mqtt.Protocol;

/// <summary>Whether a subscription brings the retained messages of its topics (section 3.8.3.1).</summary>
public enum RetainHandling : byte
{
    /// <summary>Send them at every subscribe.</summary>
    SendAtSubscribe = 0,

    /// <summary>Send them only if the subscription did not exist.</summary>
    SendIfNew = 1,

    /// <summary>Do not send them.</summary>
    DoNotSend = 2,
}
