namespace Mqtt.Client;

/// <summary>
/// The acknowledgement of one message that the application gives by hand, once, from any thread and at any time. A message and its copies share it.
/// </summary>
internal sealed class Acknowledgement(ClientSession session, Receipt receipt, Inbox inbox)
{
    private int isGiven;

    /// <summary>Of a message of QoS 0, which needs none.</summary>
    public static Acknowledgement None { get; } = new(null!, default, null!) { isGiven = 1 };

    /// <summary>Gives it, unless it was given. Without a reason code the message stays unacknowledged.</summary>
    public void Give(ReasonCode? reasonCode)
    {
        if (Interlocked.Exchange(ref isGiven, 1) == 0)
            session.Acknowledge(receipt, reasonCode, inbox);
    }
}
