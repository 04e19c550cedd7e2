namespace Mqtt.Broker.Tests.Model;

/// <summary>A message as it was published; once more published it is another one. Times are milliseconds, <see cref="long.MaxValue"/> is never.</summary>
internal sealed record Message(int Number, string From, string Topic, QualityOfService QoS, bool Retain, long ExpiresAt)
{
    /// <summary>The payload of a large message is so long, and a client that takes no large ones accepts no packet that is longer.</summary>
    public const int LargeBytes = 100;

    /// <summary>The broker has acknowledged it: it must outlive a crash.</summary>
    public bool IsPromised { get; set; }

    /// <summary>Every seventh is large.</summary>
    public static bool IsLargeNumber(int number) => number % 7 == 0 && number != 0;

    public override string ToString() => $"message {Number} of {From} on {Topic} at QoS {(int)QoS}";
}

/// <summary>A subscription of a session.</summary>
internal sealed record Terms(string Filter, QualityOfService QoS, bool NoLocal, bool AsPublished, uint Identifier)
{
    public bool IsShared => Filter.StartsWith("$share/", StringComparison.Ordinal);

    public bool Matches(string topic) => MqttTopic.Matches(
        System.Text.Encoding.UTF8.GetBytes(IsShared ? Filter[(Filter.IndexOf('/', "$share/".Length) + 1)..] : Filter), System.Text.Encoding.UTF8.GetBytes(topic));
}

/// <summary>What one session is owed: a message, and how it must look.</summary>
internal sealed record Copy(Message Message, QualityOfService QoS, bool Retain, uint[] Identifiers)
{
    /// <summary>It is to be sent on the present connection, or the next one.</summary>
    public bool IsDue { get; set; } = true;

    /// <summary>The identifier under which the client has seen it; 0 if it has not.</summary>
    public ushort PacketId { get; set; }

    /// <summary>A connection was lost on which it may have been sent.</summary>
    public bool MayHaveBeenSent { get; set; }

    /// <summary>It may come, and need not.</summary>
    public bool IsOptional { get; set; }

    /// <summary>It was first seen without identifiers, by 3.x, and may be another copy that looks the same.</summary>
    public bool IsVague { get; set; }

    /// <summary>The filter for which it comes as a retained message; the order of live messages does not bind it.</summary>
    public string? RetainedBy { get; init; }

    /// <summary>It waits for its turn: what is kept then is what is sent.</summary>
    public bool IsPendingRetained => RetainedBy is not null && IsDue && PacketId == 0;

    /// <summary>The shared subscription for which the session has it.</summary>
    public SharedMessage? Shared { get; init; }

    /// <summary>The session had to outlive the broker when it was given the message.</summary>
    public bool IsDurable { get; init; }

    public bool IsInOrderWith(Copy other) =>
        (RetainedBy, Shared, other.RetainedBy, other.Shared) == (null, null, null, null) &&
        (Message.From, Message.Topic, Message.QoS, QoS) == (other.Message.From, other.Message.Topic, other.Message.QoS, other.QoS);

    public bool LooksLike(Copy other) =>
        (Message.Number, Message.Topic, QoS, Retain) == (other.Message.Number, other.Message.Topic, other.QoS, other.Retain) &&
        Identifiers.Order().SequenceEqual(other.Identifiers.Order());

    public override string ToString() =>
        $"{Message}, copy at QoS {(int)QoS}{(Retain ? " RETAIN" : "")} identifiers [{string.Join(", ", Identifiers)}] packet {PacketId}"
        + (IsDue ? "" : " under way")
        + (IsOptional ? " optional" : "")
        + (Message.ExpiresAt is > 0 and < long.MaxValue ? $" until {Message.ExpiresAt}" : "");
}

/// <summary>A message of a shared subscription: any of these may get it, one of them must.</summary>
internal sealed record SharedMessage(Message Message, string Filter)
{
    public HashSet<(string ClientId, Terms Terms)> May { get; } = [];

    public bool IsOptional { get; set; }

    /// <summary>Who has it. Once that session has ended without acknowledging it, somebody else is due.</summary>
    public Session? Holder { get; set; }

    /// <summary>The QoS of that session's copy: one of QoS 2 that was sent stays with it.</summary>
    public QualityOfService HeldAt { get; set; }

    public bool IsOpen => Holder is null || (Holder.HasEnded && HeldAt == QualityOfService.AtLeastOnce);
}

/// <summary>A packet that the broker owes a connection, in this order; what becomes true with it, and whether or not it is seen.</summary>
internal sealed record Answer(MqttPacketType Type, ushort PacketId = 0, ReasonCode Code = ReasonCode.Success)
{
    /// <summary>What holds once the client has seen it.</summary>
    public Action? WhenSeen { get; init; }

    /// <summary>What the broker does with it, whether or not the client sees it.</summary>
    public Action? WhenSent { get; init; }
}

/// <summary>A connection as the broker sees it.</summary>
internal sealed record Connection(string ClientId, MqttProtocolVersion Version, int Window, bool IsSmall)
{
    public bool IsV5 => Version == MqttProtocolVersion.V500;

    /// <summary>CONNACK has been sent.</summary>
    public bool IsAccepted { get; set; }

    public bool IsPresent { get; set; }

    /// <summary>What is too large for the client is dropped as if it had been delivered, when it is its turn.</summary>
    public bool Takes(Message message) => !IsSmall || !Message.IsLargeNumber(message.Number);

    public List<Answer> Answers { get; } = [];

    /// <summary>The broker closes it, and says so with this code.</summary>
    public ReasonCode? Goodbye { get; set; }
}

/// <summary>A session.</summary>
internal sealed class Session(string clientId)
{
    public string ClientId => clientId;

    public Connection? Connection { get; set; }

    public long ExpirySeconds { get; set; }

    public bool ExpiryWasZero { get; set; }

    public Will? Will { get; set; }

    /// <summary>When the connection was lost.</summary>
    public long LostAt { get; set; }

    public bool HasEnded { get; set; }

    public Dictionary<string, Terms> Subscriptions { get; } = [];

    /// <summary>Its connection was lost while an answer waited: for the broker it lasts a little longer.</summary>
    public bool WasLostWaiting { get; set; }

    /// <summary>Subscriptions whose retained messages come when the connection that asked for them has ended already.</summary>
    public List<Terms> Late { get; } = [];

    /// <summary>In the order in which they must come.</summary>
    public List<Copy> Owed { get; } = [];

    /// <summary>QoS 2 messages whose PUBREC has come; true if they count on this connection.</summary>
    public List<(ushort PacketId, bool Counts)> Released { get; } = [];

    /// <summary>QoS 2 identifiers that the client has sent and not released.</summary>
    public HashSet<ushort> Arrivals { get; } = [];

    /// <summary>What answers have promised, by what they were about.</summary>
    public Dictionary<string, object?> Promises { get; } = [];

    public bool IsThere => Connection is { IsAccepted: true };

    public int UnderWay => Owed.Count(copy => !copy.IsDue) + Released.Count(released => released.Counts);

    public bool HasRoom => IsThere && UnderWay < Connection!.Window;
}
