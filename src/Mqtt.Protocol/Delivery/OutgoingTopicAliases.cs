namespace Mqtt.Protocol.Delivery;

/// <summary>
/// The topic aliases that this side sets on this connection: given to a topic at its second use, first come, first served, up to
/// the maximum of the other side [MQTT-3.3.2-9] [MQTT-3.3.2-11]. Its owner's lock guards it.
/// </summary>
/// <param name="maximum">The Topic Alias Maximum of the other side; 0 allows none.</param>
public sealed class OutgoingTopicAliases(int maximum)
{
    private const int RememberedTopics = 4;

    // 0: the topic was seen once.
    private readonly Dictionary<MqttString, ushort> aliases = new(Utf8Comparer.Instance);
    private ushort last;

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
            if (last < maximum)
                Remember(topic);
            return 0;
        }

        if (alias != 0)
            return alias;
        defines = last < maximum;
        return defines ? (ushort)(last + 1) : (ushort)0;
    }

    /// <summary>The packet that defines this alias will leave before any that uses it.</summary>
    public void Confirm(ReadOnlySpan<byte> topic, ushort alias)
    {
        if (alias != last + 1 || alias > maximum)
            throw new ArgumentOutOfRangeException(nameof(alias), alias, $"The next alias is {last + 1}, the highest {maximum}.");
        aliases.GetAlternateLookup<ReadOnlySpan<byte>>()[topic] = alias;
        last = alias;
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
