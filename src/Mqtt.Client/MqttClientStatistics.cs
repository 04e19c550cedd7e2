namespace Mqtt.Client;

/// <summary>What a client has counted since it was made, over all its connections. Any thread; whoever reads may see one message more in one number than in the next.</summary>
public sealed class MqttClientStatistics
{
    private readonly ClientSession session;

    internal MqttClientStatistics(ClientSession session) => this.session = session;

    /// <summary>How many connections were accepted; all but the first are reconnections.</summary>
    public long Connections { get; private set; }

    /// <summary>How many PUBLISH packets came, also those that came again.</summary>
    public long MessagesReceived { get; private set; }

    /// <summary>How many PUBLISH packets were sent: handed over to the connection; also those that were sent again.</summary>
    public long MessagesSent { get; private set; }

    /// <summary>How many bytes came.</summary>
    public long BytesReceived { get; private set; }

    /// <summary>How many bytes were sent: taken by the network.</summary>
    public long BytesSent => session.SentBytes;

    /// <summary>How many QoS 0 messages were dropped because their stream or handler was too slow.</summary>
    public long MessagesDropped => session.DroppedCount;

    /// <summary>How many messages wait to be sent: for a connection, for the server's Receive Maximum, or for the network.</summary>
    public int MessagesQueued => session.QueuedCount;

    /// <summary>How many messages that were to be published were not, or perhaps not, for this cause.</summary>
    public long MessagesLost(MqttPublishLoss cause) => session.LostCount(cause);

    // Each is called by one thread at a time: the read loop, or whoever holds the session's lock.
    internal void OnConnected() => Connections++;

    internal void OnReceived(int bytes) => BytesReceived += bytes;

    internal void OnMessageReceived() => MessagesReceived++;

    internal void OnMessageSent() => MessagesSent++;
}
