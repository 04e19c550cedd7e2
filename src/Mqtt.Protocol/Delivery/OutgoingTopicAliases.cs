namespace Mqtt.Protocol.Delivery;

/// <summary>
/// The topic aliases that this side sets on this connection: given to a topic at its second use, up to the maximum of the other
/// side [MQTT-3.3.2-9] [MQTT-3.3.2-11]. Its owner's lock guards it.
/// </summary>
/// <param name="maximum">The Topic Alias Maximum of the other side; 0 allows none.</param>
/// <param name="policy">Who has them when there are more topics. Default: the first keep theirs.</param>
public sealed class OutgoingTopicAliases(int maximum, TopicAliasPolicy policy = TopicAliasPolicy.KeepFirst)
{
    private const int RememberedTopics = 4;

    // 0: the topic was seen once.
    private readonly Dictionary<MqttString, ushort> aliases = new(Utf8Comparer.Instance);
    private ushort last;

    // With replacing, whose alias each is, and which is given next when all are.
    private readonly MqttString[]? owners = policy == TopicAliasPolicy.ReplaceOldest ? new MqttString[maximum + 1] : null;
    private ushort oldest = 1;

    private bool MayGive => maximum > 0 && (last < maximum || owners is not null);

    private ushort Next => last < maximum ? (ushort)(last + 1) : oldest;

    /// <summary>
    /// The alias to use for a topic, 0 for none. With <paramref name="defines"/> the packet must carry the topic as well: call
    /// <see cref="Confirm"/> once it will surely leave; until then the alias counts as not set.
    /// </summary>
    public ushort Find(ReadOnlySpan<byte> topic, out bool defines)
    {
        defines = false;
        if (maximum == 0)
            return 0;
        var lookup = aliases.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (!lookup.TryGetValue(topic, out var alias))
        {
            if (MayGive)
                Remember(topic);
            return 0;
        }

        if (alias != 0)
            return alias;
        defines = MayGive;
        return defines ? Next : (ushort)0;
    }

    /// <summary>The packet that defines this alias will leave before any that uses it.</summary>
    public void Confirm(ReadOnlySpan<byte> topic, ushort alias)
    {
        if (!MayGive || alias != Next)
            throw new ArgumentOutOfRangeException(nameof(alias), alias, $"The next alias is {Next}, the highest {maximum}.");
        if (owners is not null)
            Own(topic, alias);
        aliases.GetAlternateLookup<ReadOnlySpan<byte>>()[topic] = alias;
        last = Math.Max(last, alias);
    }

    // Who had it before was seen, and has none.
    private void Own(ReadOnlySpan<byte> topic, ushort alias)
    {
        if (!owners![alias].IsEmpty)
        {
            aliases[owners[alias]] = 0;
            oldest = (ushort)((oldest % maximum) + 1);
        }

        owners[alias] = MqttString.FromUtf8(topic.ToArray());
    }

    // What was seen once is remembered for a while only: the topics are unbounded, the aliases are not.
    private void Remember(ReadOnlySpan<byte> topic)
    {
        if (aliases.Count - last >= maximum * RememberedTopics)
        {
            foreach (var (seen, alias) in aliases)
            {
                if (alias == 0)
                    aliases.Remove(seen);
            }
        }

        aliases.GetAlternateLookup<ReadOnlySpan<byte>>()[topic] = 0;
    }
}
