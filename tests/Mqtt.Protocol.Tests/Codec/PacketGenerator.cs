using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Mqtt.Protocol.Tests.Codec;

/// <summary>A packet with the version it is sent in and the side that sends it.</summary>
internal sealed record Sent(MqttProtocolVersion Version, MqttSender Sender, MqttPacket Packet)
{
    public override string ToString() => $"{Version} {Sender}: {PacketText.Of(Packet)}";
}

/// <summary>Makes every packet that can be sent, with every field that its version can carry.</summary>
internal static class PacketGenerator
{
    private static readonly Gen<ushort> PacketIds = Gen.Choose(1, ushort.MaxValue).Select(value => (ushort)value);
    private static readonly Gen<ushort> Shorts = Gen.Choose(0, ushort.MaxValue).Select(value => (ushort)value);
    private static readonly Gen<ushort> PositiveShorts = PacketIds;
    private static readonly Gen<uint> Numbers = Gen.Choose(0, int.MaxValue).SelectMany(high => Gen.Choose(0, 1).Select(low => ((uint)high << 1) | (uint)low));
    private static readonly Gen<uint> Identifiers = Gen.Frequency((1, Gen.Choose(1, 200)), (1, Gen.Choose(1, 268_435_455))).Select(value => (uint)value);
    private static readonly Gen<bool> Flags = Gen.Choose(0, 1).Select(value => value == 1);
    private static readonly Gen<byte> ZeroOrOne = Gen.Choose(0, 1).Select(value => (byte)value);
    private static readonly Gen<QualityOfService> Qos = Gen.Choose(0, 2).Select(value => (QualityOfService)value);
    private static readonly Gen<ReadOnlyMemory<byte>> Binary = Gen.Frequency((8, Bytes(40)), (1, Bytes(400))).Select(bytes => (ReadOnlyMemory<byte>)bytes);
    private static readonly Gen<MqttString> Texts = Gen.Frequency((8, Text(20)), (1, Text(200))).Select(MqttString.FromString);
    private static readonly Gen<(MqttString, MqttString)> Pairs = Texts.SelectMany(name => Texts.Select(value => (name, value)));
    private static readonly Gen<MqttString> Topics = Levels("a", "b", "plant", "größe", "日本", "", " ", "$SYS", "temperature").Select(MqttString.FromString);
    private static readonly Gen<MqttString> Filters = Gen.Frequency(
        (4, Levels("a", "b", "plant", "größe", "", "+", "$SYS")), (1, Levels("a", "", "+").Select(filter => filter.TrimEnd('/') + "/#")), (1, Levels("a", "+").Select(filter => "$share/group/" + filter)))
        .Select(MqttString.FromString);

    public static Arbitrary<Sent> Arbitrary { get; } = Gen.Frequency((1, Of(MqttProtocolVersion.V310)), (2, Of(MqttProtocolVersion.V311)), (4, Of(MqttProtocolVersion.V500))).ToArbitrary();

    private static Gen<Sent> Of(MqttProtocolVersion version)
    {
        var is5 = version == MqttProtocolVersion.V500;
        var packets = new List<Gen<Sent>>
        {
            From(MqttSender.Client, Connect(version)),
            From(MqttSender.Server, ConnAck(version)),
            From(MqttSender.Client, Publish(version, MqttSender.Client)),
            From(MqttSender.Server, Publish(version, MqttSender.Server)),
            From(MqttSender.Client, Response<PubAckPacket>(version, 0x00, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)),
            From(MqttSender.Server, Response<PubRecPacket>(version, 0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)),
            From(MqttSender.Client, Response<PubRelPacket>(version, 0x00, 0x92)),
            From(MqttSender.Server, Response<PubCompPacket>(version, 0x00, 0x92)),
            From(MqttSender.Client, Subscribe(version)),
            From(MqttSender.Server, SubAck(version)),
            From(MqttSender.Client, Unsubscribe(version)),
            From(MqttSender.Server, UnsubAck(version)),
            From(MqttSender.Client, Gen.Constant(new PingReqPacket())),
            From(MqttSender.Server, Gen.Constant(new PingRespPacket())),
            From(MqttSender.Client, Disconnect(version)),
        };
        if (is5)
            packets.Add(From(MqttSender.Server, Auth()));
        return Gen.OneOf([.. packets]);

        Gen<Sent> From<T>(MqttSender sender, Gen<T> packet)
            where T : MqttPacket => packet.Select(value => new Sent(version, sender, value));
    }

    private static Gen<ConnectPacket> Connect(MqttProtocolVersion version) => Build(
        () => new ConnectPacket { Version = version },
        version,
        fields:
        [
            Set<ConnectPacket, bool>(version == MqttProtocolVersion.V500 ? Gen.Constant(false) : Flags, (packet, value) => packet.IsBridge = value),
            Set<ConnectPacket, bool>(Flags, (packet, value) => packet.CleanStart = value),
            Set<ConnectPacket, MqttString>(Texts, (packet, value) => packet.ClientId = value),
            Set<ConnectPacket, ushort>(Shorts, (packet, value) => packet.KeepAliveSeconds = value),
            Maybe<ConnectPacket, WillMessage>(Will(version), (packet, value) => packet.Will = value),
            Maybe<ConnectPacket, MqttString>(Texts, (packet, value) => packet.UserName = value),
            Maybe<ConnectPacket, ReadOnlyMemory<byte>>(Binary, (packet, value) =>
            {
                packet.Password = value;
                if (version < MqttProtocolVersion.V500)
                    packet.UserName ??= "user";
            }),
        ],
        properties:
        [
            Maybe<ConnectPacket, uint>(Numbers, (packet, value) => packet.SessionExpiryInterval = value),
            Maybe<ConnectPacket, ushort>(PositiveShorts, (packet, value) => packet.ReceiveMaximum = value),
            Maybe<ConnectPacket, uint>(Numbers, (packet, value) => packet.MaximumPacketSize = Math.Max(1, value)),
            Maybe<ConnectPacket, ushort>(Shorts, (packet, value) => packet.TopicAliasMaximum = value),
            Maybe<ConnectPacket, bool>(Flags, (packet, value) => packet.RequestResponseInformation = value),
            Maybe<ConnectPacket, bool>(Flags, (packet, value) => packet.RequestProblemInformation = value),
            Maybe<ConnectPacket, MqttString>(Texts, (packet, value) => packet.AuthenticationMethod = value),
            Maybe<ConnectPacket, ReadOnlyMemory<byte>>(Binary, (packet, value) => packet.AuthenticationData = packet.AuthenticationMethod is null ? default(ReadOnlyMemory<byte>?) : value),
            Users<ConnectPacket>(),
        ]);

    private static Gen<WillMessage> Will(MqttProtocolVersion version) => Build(
        () => new WillMessage(),
        version,
        fields:
        [
            Set<WillMessage, MqttString>(Topics, (will, value) => will.Topic = value),
            Set<WillMessage, ReadOnlyMemory<byte>>(Binary, (will, value) => will.Payload = value),
            Set<WillMessage, QualityOfService>(Qos, (will, value) => will.QualityOfService = value),
            Set<WillMessage, bool>(Flags, (will, value) => will.Retain = value),
        ],
        properties:
        [
            Maybe<WillMessage, uint>(Numbers, (will, value) => will.DelayInterval = value),
            Maybe<WillMessage, byte>(ZeroOrOne, (will, value) => will.PayloadFormatIndicator = value),
            Maybe<WillMessage, uint>(Numbers, (will, value) => will.MessageExpiryInterval = value),
            Maybe<WillMessage, MqttString>(Texts, (will, value) => will.ContentType = value),
            Maybe<WillMessage, MqttString>(Topics, (will, value) => will.ResponseTopic = value),
            Maybe<WillMessage, ReadOnlyMemory<byte>>(Binary, (will, value) => will.CorrelationData = value),
            Maybe<WillMessage, (MqttString, MqttString)[]>(Some(Pairs), (will, value) => will.UserProperties = [.. value]),
        ]);

    private static Gen<ConnAckPacket> ConnAck(MqttProtocolVersion version) => Build(
        () => new ConnAckPacket(),
        version,
        fields:
        [
            version == MqttProtocolVersion.V500
                ? Set<ConnAckPacket, int>(Gen.Elements(0, 0, 0, 0x80, 0x81, 0x84, 0x87, 0x89, 0x9D), (packet, value) => packet.ReasonCode = (ReasonCode)value)
                : Set<ConnAckPacket, int>(Gen.Elements(0, 0, 0, 0x84, 0x85, 0x86, 0x87, 0x88), (packet, value) => packet.ReasonCode = (ReasonCode)value),
            Set<ConnAckPacket, bool>(Flags, (packet, value) => packet.SessionPresent = value && packet.ReasonCode == 0 && version != MqttProtocolVersion.V310),
        ],
        properties:
        [
            Maybe<ConnAckPacket, uint>(Numbers, (packet, value) => packet.SessionExpiryInterval = value),
            Maybe<ConnAckPacket, ushort>(PositiveShorts, (packet, value) => packet.ReceiveMaximum = value),
            Maybe<ConnAckPacket, byte>(ZeroOrOne, (packet, value) => packet.MaximumQoS = value),
            Maybe<ConnAckPacket, bool>(Flags, (packet, value) => packet.RetainAvailable = value),
            Maybe<ConnAckPacket, uint>(Numbers, (packet, value) => packet.MaximumPacketSize = Math.Max(1, value)),
            Maybe<ConnAckPacket, MqttString>(Texts, (packet, value) => packet.AssignedClientIdentifier = value),
            Maybe<ConnAckPacket, ushort>(Shorts, (packet, value) => packet.TopicAliasMaximum = value),
            Maybe<ConnAckPacket, MqttString>(Texts, (packet, value) => packet.ReasonString = value),
            Maybe<ConnAckPacket, bool>(Flags, (packet, value) => packet.WildcardSubscriptionAvailable = value),
            Maybe<ConnAckPacket, bool>(Flags, (packet, value) => packet.SubscriptionIdentifierAvailable = value),
            Maybe<ConnAckPacket, bool>(Flags, (packet, value) => packet.SharedSubscriptionAvailable = value),
            Maybe<ConnAckPacket, ushort>(Shorts, (packet, value) => packet.ServerKeepAlive = value),
            Maybe<ConnAckPacket, MqttString>(Texts, (packet, value) => packet.ResponseInformation = value),
            Maybe<ConnAckPacket, MqttString>(Texts, (packet, value) => packet.ServerReference = value),
            Maybe<ConnAckPacket, MqttString>(Texts, (packet, value) => packet.AuthenticationMethod = value),
            Maybe<ConnAckPacket, ReadOnlyMemory<byte>>(Binary, (packet, value) => packet.AuthenticationData = packet.AuthenticationMethod is null ? default(ReadOnlyMemory<byte>?) : value),
            Users<ConnAckPacket>(),
        ]);

    private static Gen<PublishPacket> Publish(MqttProtocolVersion version, MqttSender sender) => Build(
        () => new PublishPacket(),
        version,
        fields:
        [
            Set<PublishPacket, MqttString>(Topics, (packet, value) => packet.Topic = value),
            Set<PublishPacket, ReadOnlyMemory<byte>>(Gen.Frequency((8, Bytes(100)), (1, Bytes(5000))).Select(bytes => (ReadOnlyMemory<byte>)bytes), (packet, value) => packet.Payload = value),
            Set<PublishPacket, QualityOfService>(Qos, (packet, value) => packet.QualityOfService = value),
            Set<PublishPacket, ushort>(PacketIds, (packet, value) => packet.PacketId = packet.QualityOfService > 0 ? value : (ushort)0),
            Set<PublishPacket, bool>(Flags, (packet, value) => packet.Duplicate = value && packet.QualityOfService > 0),
            Set<PublishPacket, bool>(Flags, (packet, value) => packet.Retain = value),
        ],
        properties:
        [
            Maybe<PublishPacket, byte>(ZeroOrOne, (packet, value) => packet.PayloadFormatIndicator = value),
            Maybe<PublishPacket, uint>(Numbers, (packet, value) => packet.MessageExpiryInterval = value),
            Maybe<PublishPacket, (ushort Alias, bool Alone)>(PositiveShorts.SelectMany(alias => Flags.Select(alone => (alias, alone))), (packet, value) =>
            {
                packet.TopicAlias = value.Alias;
                packet.Topic = value.Alone ? default : packet.Topic;
            }),
            Maybe<PublishPacket, MqttString>(Topics, (packet, value) => packet.ResponseTopic = value),
            Maybe<PublishPacket, ReadOnlyMemory<byte>>(Binary, (packet, value) => packet.CorrelationData = value),
            Maybe<PublishPacket, MqttString>(Texts, (packet, value) => packet.ContentType = value),
            Maybe<PublishPacket, uint[]>(Some(Identifiers), (packet, value) =>
            {
                foreach (var identifier in sender == MqttSender.Server ? value : [])
                    packet.AddSubscriptionIdentifier(identifier);
            }),
            Users<PublishPacket>(),
        ]);

    private static Gen<T> Response<T>(MqttProtocolVersion version, params int[] codes)
        where T : PublishResponsePacket, new() => Build(
        () => new T(),
        version,
        fields: [Set<T, ushort>(PacketIds, (packet, value) => packet.PacketId = value)],
        properties:
        [
            Set<T, int>(Gen.Elements(codes), (packet, value) => packet.ReasonCode = (ReasonCode)value),
            Maybe<T, MqttString>(Texts, (packet, value) => packet.ReasonString = value),
            Users<T>(),
        ]);

    private static Gen<SubscribePacket> Subscribe(MqttProtocolVersion version) => Build(
        () => new SubscribePacket(),
        version,
        fields:
        [
            Set<SubscribePacket, ushort>(PacketIds, (packet, value) => packet.PacketId = value),
            Set<SubscribePacket, TopicSubscription[]>(Some(Subscription(version)), (packet, value) => packet.Subscriptions = value),
        ],
        properties: [Maybe<SubscribePacket, uint>(Identifiers, (packet, value) => packet.SubscriptionIdentifier = value), Users<SubscribePacket>()]);

    private static Gen<TopicSubscription> Subscription(MqttProtocolVersion version) =>
        from filter in Filters
        from qos in Qos
        from noLocal in Flags
        from retainAsPublished in Flags
        from handling in Gen.Choose(0, 2)
        select version < MqttProtocolVersion.V500
            ? new TopicSubscription(filter, qos)
            : new TopicSubscription(filter, qos)
            {
                NoLocal = noLocal && !MqttTopic.IsShared(filter.Span),
                RetainAsPublished = retainAsPublished,
                RetainHandling = (RetainHandling)handling,
            };

    private static Gen<SubAckPacket> SubAck(MqttProtocolVersion version) => Build(
        () => new SubAckPacket(),
        version,
        fields:
        [
            Set<SubAckPacket, ushort>(PacketIds, (packet, value) => packet.PacketId = value),
            Set<SubAckPacket, int[]>(Some(SubAckCodes(version)), (packet, value) => packet.ReasonCodes = [.. value.Select(code => (ReasonCode)code)]),
        ],
        properties: [Maybe<SubAckPacket, MqttString>(Texts, (packet, value) => packet.ReasonString = value), Users<SubAckPacket>()]);

    private static Gen<int> SubAckCodes(MqttProtocolVersion version) => version switch
    {
        MqttProtocolVersion.V310 => Gen.Elements(0, 1, 2),
        MqttProtocolVersion.V311 => Gen.Elements(0, 1, 2, 0x80),
        _ => Gen.Elements(0, 1, 2, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2),
    };

    private static Gen<UnsubscribePacket> Unsubscribe(MqttProtocolVersion version) => Build(
        () => new UnsubscribePacket(),
        version,
        fields:
        [
            Set<UnsubscribePacket, ushort>(PacketIds, (packet, value) => packet.PacketId = value),
            Set<UnsubscribePacket, MqttString[]>(Some(Filters), (packet, value) => packet.Filters = value),
        ],
        properties: [Users<UnsubscribePacket>()]);

    private static Gen<UnsubAckPacket> UnsubAck(MqttProtocolVersion version) => Build(
        () => new UnsubAckPacket(),
        version,
        fields: [Set<UnsubAckPacket, ushort>(PacketIds, (packet, value) => packet.PacketId = value)],
        properties:
        [
            Set<UnsubAckPacket, int[]>(Some(Gen.Elements(0, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91)), (packet, value) => packet.ReasonCodes = [.. value.Select(code => (ReasonCode)code)]),
            Maybe<UnsubAckPacket, MqttString>(Texts, (packet, value) => packet.ReasonString = value),
            Users<UnsubAckPacket>(),
        ]);

    private static Gen<DisconnectPacket> Disconnect(MqttProtocolVersion version) => Build(
        () => new DisconnectPacket(),
        version,
        fields: [],
        properties:
        [
            Set<DisconnectPacket, int>(Gen.Elements(0, 0x04, 0x80, 0x81, 0x82, 0x93, 0x98), (packet, value) => packet.ReasonCode = (ReasonCode)value),
            Maybe<DisconnectPacket, uint>(Numbers, (packet, value) => packet.SessionExpiryInterval = value),
            Maybe<DisconnectPacket, MqttString>(Texts, (packet, value) => packet.ReasonString = value),
            Users<DisconnectPacket>(),
        ]);

    private static Gen<AuthPacket> Auth() => Build(
        () => new AuthPacket(),
        MqttProtocolVersion.V500,
        fields: [Set<AuthPacket, int>(Gen.Elements(0, 0x18), (packet, value) => packet.ReasonCode = (ReasonCode)value)],
        properties:
        [
            Set<AuthPacket, MqttString>(Texts, (packet, value) => packet.AuthenticationMethod = value),
            Maybe<AuthPacket, ReadOnlyMemory<byte>>(Binary, (packet, value) => packet.AuthenticationData = value),
            Maybe<AuthPacket, MqttString>(Texts, (packet, value) => packet.ReasonString = value),
            Users<AuthPacket>(),
        ]);

    // A thing is made, then changed step by step; what only 5.0 has is left out before.
    private static Gen<T> Build<T>(Func<T> create, MqttProtocolVersion version, Gen<Action<T>>[] fields, Gen<Action<T>>[] properties) =>
        Gen.CollectToArray<Action<T>>(version == MqttProtocolVersion.V500 ? [.. fields, .. properties] : fields).Select(changes =>
        {
            var thing = create();
            foreach (var change in changes)
                change(thing);
            return thing;
        });

    private static Gen<Action<T>> Set<T, TValue>(Gen<TValue> values, Action<T, TValue> set) => values.Select<TValue, Action<T>>(value => thing => set(thing, value));

    private static Gen<Action<T>> Maybe<T, TValue>(Gen<TValue> values, Action<T, TValue> set) =>
        Gen.Frequency((3, Gen.Constant<Action<T>>(_ => { })), (1, Set(values, set)));

    private static Gen<Action<T>> Users<T>()
        where T : MqttPacket => Maybe<T, (MqttString, MqttString)[]>(Some(Pairs), (packet, value) => packet.UserProperties = [.. value]);

    private static Gen<T[]> Some<T>(Gen<T> values) => Gen.Choose(1, 5).SelectMany(count => values.ArrayOf(count));

    private static Gen<byte[]> Bytes(int most) => Gen.Choose(0, most).SelectMany(count => Gen.Choose(0, int.MaxValue).Select(seed =>
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }));

    private static Gen<string> Text(int most) => Gen.Choose(0, most).SelectMany(count => Gen.Choose(0, int.MaxValue).Select(seed =>
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        while (text.Length < count)
            text.Append(random.Next(10) switch { 0 => "ä", 1 => "日", 2 => "\U0002A6D4", 3 => "\uFEFF", _ => ((char)random.Next(0x20, 0x7F)).ToString() });
        return text.ToString();
    }));

    private static Gen<string> Levels(params string[] levels) =>
        Gen.Choose(1, 6).SelectMany(count => Gen.Elements(levels).ArrayOf(count)).Select(chosen => string.Join('/', chosen)).Select(text => text.Length > 0 ? text : "/");
}
