using static Mqtt.Protocol.PropertyType;

namespace Mqtt.Protocol;

/// <summary>How a property's value is encoded (section 1.5).</summary>
public enum PropertyType : byte
{
    /// <summary>No such property.</summary>
    None,

    /// <summary>One byte.</summary>
    Byte,

    /// <summary>Two bytes, big endian.</summary>
    TwoByteInteger,

    /// <summary>Four bytes, big endian.</summary>
    FourByteInteger,

    /// <summary>One to four bytes, seven bits each.</summary>
    VariableByteInteger,

    /// <summary>Two bytes of length, then UTF-8.</summary>
    String,

    /// <summary>Two strings.</summary>
    StringPair,

    /// <summary>Two bytes of length, then bytes.</summary>
    Binary,
}

/// <summary>
/// The 27 properties of MQTT 5.0, one row each: type, the packets that may carry it, the senders that may send it there,
/// whether it may repeat, and which values it may have. The codec knows nothing about properties but this table.
/// </summary>
internal static class PropertyTable
{
    /// <summary>The bit of the will in a row's packets: the will has properties of its own inside CONNECT.</summary>
    public const int Will = 1 << 0;

    private const int Connect = 1 << (int)MqttPacketType.Connect;
    private const int ConnAck = 1 << (int)MqttPacketType.ConnAck;
    private const int Publish = 1 << (int)MqttPacketType.Publish;
    private const int Subscribe = 1 << (int)MqttPacketType.Subscribe;
    private const int Disconnect = 1 << (int)MqttPacketType.Disconnect;
    private const int Auth = 1 << (int)MqttPacketType.Auth;
    private const int Reasoned = ConnAck | Disconnect | Auth
        | (1 << (int)MqttPacketType.PubAck) | (1 << (int)MqttPacketType.PubRec) | (1 << (int)MqttPacketType.PubRel)
        | (1 << (int)MqttPacketType.PubComp) | (1 << (int)MqttPacketType.SubAck) | (1 << (int)MqttPacketType.UnsubAck);

    private const int All = Will | Connect | Publish | Subscribe | Reasoned | (1 << (int)MqttPacketType.Unsubscribe);

    private static readonly Row[] Rows = Build();

    /// <summary>The row of a property; its type is <see cref="PropertyType.None"/> if there is no such property.</summary>
    public static ref readonly Row Find(byte id) => ref Rows[id < Rows.Length ? id : 0];

    /// <summary>
    /// The properties that a packet must carry beside those that it carries, as a mask of identifiers: AUTH names its method, and
    /// authentication data means nothing without one (sections 3.1.2.11.10 and 3.15.2.2.2).
    /// </summary>
    public static ulong Required(int packet, ulong present) =>
        packet == Auth || (present & Bit(PropertyId.AuthenticationData)) != 0 ? Bit(PropertyId.AuthenticationMethod) : 0;

    /// <summary>A property's place in a mask of identifiers; all are below 64.</summary>
    public static ulong Bit(PropertyId id) => 1UL << (int)id;

    private static Row[] Build()
    {
        var rows = new Row[0x2B];
        void Add(PropertyId id, PropertyType type, int packets, uint minimum = 0, uint maximum = uint.MaxValue, int clientOnly = 0, int serverOnly = 0, int repeats = 0, ReasonCode refusal = ReasonCode.ProtocolError, bool isTopic = false) =>
            rows[(int)id] = new Row(type, packets, clientOnly, serverOnly, repeats, minimum, maximum, refusal, isTopic);

        Add(PropertyId.PayloadFormatIndicator, PropertyType.Byte, Publish | Will, maximum: 1);
        Add(PropertyId.MessageExpiryInterval, FourByteInteger, Publish | Will);
        Add(PropertyId.ContentType, PropertyType.String, Publish | Will);
        Add(PropertyId.ResponseTopic, PropertyType.String, Publish | Will, isTopic: true);
        Add(PropertyId.CorrelationData, Binary, Publish | Will);
        Add(PropertyId.SubscriptionIdentifier, PropertyType.VariableByteInteger, Publish | Subscribe, minimum: 1, serverOnly: Publish, repeats: Publish);
        Add(PropertyId.SessionExpiryInterval, FourByteInteger, Connect | ConnAck | Disconnect, clientOnly: Disconnect);
        Add(PropertyId.AssignedClientIdentifier, PropertyType.String, ConnAck);
        Add(PropertyId.ServerKeepAlive, TwoByteInteger, ConnAck);
        Add(PropertyId.AuthenticationMethod, PropertyType.String, Connect | ConnAck | Auth);
        Add(PropertyId.AuthenticationData, Binary, Connect | ConnAck | Auth);
        Add(PropertyId.RequestProblemInformation, PropertyType.Byte, Connect, maximum: 1);
        Add(PropertyId.WillDelayInterval, FourByteInteger, Will);
        Add(PropertyId.RequestResponseInformation, PropertyType.Byte, Connect, maximum: 1);
        Add(PropertyId.ResponseInformation, PropertyType.String, ConnAck);
        Add(PropertyId.ServerReference, PropertyType.String, ConnAck | Disconnect, serverOnly: Disconnect);
        Add(PropertyId.ReasonString, PropertyType.String, Reasoned);
        Add(PropertyId.ReceiveMaximum, TwoByteInteger, Connect | ConnAck, minimum: 1);
        Add(PropertyId.TopicAliasMaximum, TwoByteInteger, Connect | ConnAck);
        Add(PropertyId.TopicAlias, TwoByteInteger, Publish, minimum: 1, refusal: ReasonCode.TopicAliasInvalid);
        Add(PropertyId.MaximumQoS, PropertyType.Byte, ConnAck, maximum: 1);
        Add(PropertyId.RetainAvailable, PropertyType.Byte, ConnAck, maximum: 1);
        Add(PropertyId.UserProperty, StringPair, All, repeats: All);
        Add(PropertyId.MaximumPacketSize, FourByteInteger, Connect | ConnAck, minimum: 1);
        Add(PropertyId.WildcardSubscriptionAvailable, PropertyType.Byte, ConnAck, maximum: 1);
        Add(PropertyId.SubscriptionIdentifierAvailable, PropertyType.Byte, ConnAck, maximum: 1);
        Add(PropertyId.SharedSubscriptionAvailable, PropertyType.Byte, ConnAck, maximum: 1);
        return rows;
    }

    /// <summary>
    /// One property. Packets are bit masks: bit n stands for packet type n, bit 0 for the will. A number outside of
    /// <paramref name="Minimum"/> and <paramref name="Maximum"/> is answered with <paramref name="Refusal"/>.
    /// </summary>
    internal readonly record struct Row(
        PropertyType Type, int Packets, int ClientOnly, int ServerOnly, int Repeats, uint Minimum, uint Maximum, ReasonCode Refusal, bool IsTopic)
    {
        /// <summary>True if a packet of the bit <paramref name="packet"/> may carry this property, whoever sends it.</summary>
        public bool Fits(int packet) => (Packets & packet) != 0;

        /// <summary>True if <paramref name="sender"/> may send this property in a packet of the bit <paramref name="packet"/>.</summary>
        public bool MaySend(int packet, MqttSender sender) =>
            ((ClientOnly & packet) == 0 || (sender & MqttSender.Client) != 0)
            && ((ServerOnly & packet) == 0 || (sender & MqttSender.Server) != 0);

        /// <summary>True if a packet of the bit <paramref name="packet"/> may carry this property more than once.</summary>
        public bool MayRepeat(int packet) => (Repeats & packet) != 0;
    }
}
