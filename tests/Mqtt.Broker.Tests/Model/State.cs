namespace Mqtt.Broker.Tests.Model;

/// <summary>A message as it was published; published once more it is another one. Times are milliseconds, <see cref="long.MaxValue"/> is never.</summary>
internal sealed record Message(int Number, string From, string Topic, QualityOfService QoS, bool Retain, long ExpiresAt)
{
    public const int LargeBytes = 100;                 // the payload of a large one, and no packet to a client that takes no large ones is longer
    public bool IsPromised { get; set; }               // the broker has acknowledged it: it must outlive a crash
    public static bool IsLargeNumber(int number) => number % 7 == 0 && number != 0;
    public override string ToString() => $"message {Number} of {From} on {Topic} at QoS {(int)QoS}";
}

/// <summary>A subscription of a session.</summary>
internal sealed record Terms(string Filter, QualityOfService QoS, bool NoLocal, bool AsPublished, uint Identifier)
{
    public bool IsShared => Filter.StartsWith("$share/", StringComparison.Ordinal);
    public bool Matches(string topic) => MqttTopic.Matches(((MqttString)(IsShared ? Filter[(Filter.IndexOf('/', 7) + 1)..] : Filter)).Span, ((MqttString)topic).Span);
}

/// <summary>What a session is owed: a message, and how it must look.</summary>
internal sealed record Copy(Message Message, QualityOfService QoS, bool Retain, uint[] Identifiers)
{
    public ushort PacketId { get; set; }               // under which the client has seen it; 0 if it has not
    public bool IsDue { get; set; } = true;            // to be sent, on this connection or the next; else it is under way
    public bool IsOptional { get; set; }               // it may come, and need not
    public bool MayHaveBeenSent { get; set; }          // on a connection that was lost
    public bool IsVague { get; set; }                  // first seen by 3.x, without identifiers: perhaps another copy that looks the same
    public bool IsDurable { get; set; }                // its session had to outlive the broker when it was given the message
    public string? RetainedBy { get; init; }           // the filter for which it comes as a retained message
    public SharedMessage? Shared { get; init; }        // what its session has it of

    public bool LooksLike(Copy other, bool withIdentifiers) =>
        (Message.Number, Message.Topic, QoS, Retain) == (other.Message.Number, other.Message.Topic, other.QoS, other.Retain)
        && (!withIdentifiers || Identifiers.Order().SequenceEqual(other.Identifiers.Order()));

    // Section 4.6: messages of one publisher, topic and QoS; but not among retained or shared ones.
    public bool IsInOrderWith(Copy other) => (RetainedBy, Shared, other.RetainedBy, other.Shared) == (null, null, null, null)
        && (Message.From, Message.Topic, Message.QoS, QoS) == (other.Message.From, other.Message.Topic, other.Message.QoS, other.QoS);

    public override string ToString() =>
        $"{Message}, copy at QoS {(int)QoS}{(Retain ? " RETAIN" : "")} identifiers [{string.Join(", ", Identifiers)}] packet {PacketId}"
        + (IsDue ? "" : " under way") + (IsOptional ? " optional" : "") + (Message.ExpiresAt is > 0 and < long.MaxValue ? $" until {Message.ExpiresAt}" : "");
}

/// <summary>A message of a shared subscription: any of these may get it, one of them must.</summary>
internal sealed record SharedMessage(Message Message, string Filter, HashSet<(string ClientId, Terms Terms)> May)
{
    public bool IsOptional { get; set; }
    public Session? Holder { get; set; }               // who has it
    public QualityOfService HeldAt { get; set; }       // at QoS 2 it stays with its holder; at QoS 1 another is due when that session has ended
    public bool IsOpen => Holder is null || (Holder.HasEnded && HeldAt == QualityOfService.AtLeastOnce);
}

/// <summary>A packet that the broker owes a connection, in this order; what it does then, whether or not the client sees it; and what it promises with it.</summary>
internal sealed record Answer(MqttPacketType Type, int Id = 0, ReasonCode Code = ReasonCode.Success, Action? Then = null, Message? About = null, string? Filter = null);

/// <summary>A connection as the broker sees it.</summary>
internal sealed record Connection(string ClientId, MqttProtocolVersion Version, int Window, bool IsSmall)
{
    public bool IsV5 => Version == MqttProtocolVersion.V500;
    public bool IsAccepted { get; set; }               // CONNACK has been sent
    public bool IsPresent { get; set; }                // it goes on with a session
    public ReasonCode? Goodbye { get; set; }           // the broker closes it, with this code
    public List<Answer> Answers { get; } = [];
    public bool Takes(Message message) => !IsSmall || !Message.IsLargeNumber(message.Number);
}

/// <summary>A session.</summary>
internal sealed class Session(string clientId)
{
    public string ClientId => clientId;
    public Connection? Connection { get; set; }
    public long LostAt { get; set; }                   // when the connection was
    public long ExpirySeconds { get; set; }
    public bool ExpiryWasZero { get; set; }            // for this connection
    public bool HasEnded { get; set; }
    public bool WasLostWaiting { get; set; }           // for an answer: to the broker the connection lasts a little longer
    public Will? Will { get; set; }
    public Dictionary<string, Terms> Subscriptions { get; } = [];
    public List<Copy> Owed { get; } = [];              // in the order in which they must come
    public List<ushort> Released { get; } = [];        // QoS 2 messages whose PUBREC has come, in that order
    public HashSet<ushort> ReleasedHere { get; } = []; // those of this connection, which count against its window
    public HashSet<ushort> Arrivals { get; } = [];     // QoS 2 identifiers that the client has sent and not released
    public Dictionary<string, object?> Promises { get; } = [];    // what answers have promised, for a crash
    public bool IsThere => Connection is { IsAccepted: true };
    public int UnderWay => Owed.Count(copy => !copy.IsDue) + ReleasedHere.Count;
    public bool HasRoom => IsThere && UnderWay < Connection!.Window;
}
