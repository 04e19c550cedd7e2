using Mqtt.Protocol;

namespace Mqtt.Server.Broker;

/// <summary>
/// What went over one connection, or all of them, since it began. Plain counters with one writer at a time: whoever reads may see one packet more in one number
/// than in the next.
/// </summary>
public sealed class Traffic
{
    private long messagesReceived0;
    private long messagesReceived1;
    private long messagesReceived2;
    private long messagesSent0;
    private long messagesSent1;
    private long messagesSent2;

    internal Traffic()
    {
    }

    /// <summary>Counts on from what <see cref="AddTo"/> has written down.</summary>
    internal Traffic(IReadOnlyDictionary<string, long> counters)
    {
        PacketsReceived = counters.GetValueOrDefault("packets/received");
        BytesReceived = counters.GetValueOrDefault("bytes/received");
        PacketsSent = counters.GetValueOrDefault("packets/sent");
        BytesSent = counters.GetValueOrDefault("bytes/sent");
        messagesReceived0 = counters.GetValueOrDefault("messages/received/0");
        messagesReceived1 = counters.GetValueOrDefault("messages/received/1");
        messagesReceived2 = counters.GetValueOrDefault("messages/received/2");
        messagesSent0 = counters.GetValueOrDefault("messages/sent/0");
        messagesSent1 = counters.GetValueOrDefault("messages/sent/1");
        messagesSent2 = counters.GetValueOrDefault("messages/sent/2");
    }

    /// <summary>How many packets came.</summary>
    public long PacketsReceived { get; private set; }

    /// <summary>How many bytes they had.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>How many packets were sent: handed over to the connection.</summary>
    public long PacketsSent { get; private set; }

    /// <summary>How many bytes they had.</summary>
    public long BytesSent { get; private set; }

    /// <summary>How many PUBLISH packets came, also those that were refused.</summary>
    public long MessagesReceived => messagesReceived0 + messagesReceived1 + messagesReceived2;

    /// <summary>How many PUBLISH packets were sent, also those that were sent again.</summary>
    public long MessagesSent => messagesSent0 + messagesSent1 + messagesSent2;

    /// <summary>How many PUBLISH packets of this QoS came.</summary>
    public long MessagesReceivedAt(QualityOfService qualityOfService) => qualityOfService switch
    {
        QualityOfService.AtMostOnce => messagesReceived0,
        QualityOfService.AtLeastOnce => messagesReceived1,
        _ => messagesReceived2,
    };

    /// <summary>How many PUBLISH packets of this QoS were sent.</summary>
    public long MessagesSentAt(QualityOfService qualityOfService) => qualityOfService switch
    {
        QualityOfService.AtMostOnce => messagesSent0,
        QualityOfService.AtLeastOnce => messagesSent1,
        _ => messagesSent2,
    };

    /// <summary>What was added to the messages that wait in sessions, less what was taken out. On one thread alone it says nothing.</summary>
    internal long Queued { get; private set; }

    /// <summary>The same of the messages that are under way to clients.</summary>
    internal long InFlight { get; private set; }

    internal void OnBacklog(int queued, int inFlight)
    {
        Queued += queued;
        InFlight += inFlight;
    }

    internal void OnReceived(int bytes)
    {
        PacketsReceived++;
        BytesReceived += bytes;
    }

    internal void OnMessageReceived(QualityOfService qualityOfService)
    {
        if (qualityOfService == QualityOfService.AtMostOnce)
            messagesReceived0++;
        else if (qualityOfService == QualityOfService.AtLeastOnce)
            messagesReceived1++;
        else
            messagesReceived2++;
    }

    internal void OnSent(int bytes)
    {
        PacketsSent++;
        BytesSent += bytes;
    }

    /// <summary>By the first byte of a PUBLISH.</summary>
    internal void OnMessageSent(byte firstByte)
    {
        if ((firstByte & 6) == 0)
            messagesSent0++;
        else if ((firstByte & 2) != 0)
            messagesSent1++;
        else
            messagesSent2++;
    }

    internal void AddTo(Dictionary<string, long> counters)
    {
        counters["packets/received"] = PacketsReceived;
        counters["bytes/received"] = BytesReceived;
        counters["packets/sent"] = PacketsSent;
        counters["bytes/sent"] = BytesSent;
        counters["messages/received/0"] = messagesReceived0;
        counters["messages/received/1"] = messagesReceived1;
        counters["messages/received/2"] = messagesReceived2;
        counters["messages/sent/0"] = messagesSent0;
        counters["messages/sent/1"] = messagesSent1;
        counters["messages/sent/2"] = messagesSent2;
    }

    internal void Add(Traffic other)
    {
        PacketsReceived += other.PacketsReceived;
        BytesReceived += other.BytesReceived;
        PacketsSent += other.PacketsSent;
        Queued += other.Queued;
        InFlight += other.InFlight;
        BytesSent += other.BytesSent;
        messagesReceived0 += other.messagesReceived0;
        messagesReceived1 += other.messagesReceived1;
        messagesReceived2 += other.messagesReceived2;
        messagesSent0 += other.messagesSent0;
        messagesSent1 += other.messagesSent1;
        messagesSent2 += other.messagesSent2;
    }

    /// <summary>Goes back to what was sent when <paramref name="before"/> was a copy: what the broker tells about itself does not count.</summary>
    internal void ForgetSentSince(Traffic before)
    {
        (PacketsSent, BytesSent) = (before.PacketsSent, before.BytesSent);
        (messagesSent0, messagesSent1, messagesSent2) = (before.messagesSent0, before.messagesSent1, before.messagesSent2);
    }
}
