using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// A shared subscription (section 4.8.2): one receiver with several members, of which each message goes to one. It begins with its first
/// member and ends with its last; one that begins later with the same filter is another. The router's lock guards who is a member;
/// the members themselves are an array that is never changed, so that publishers read it without a lock.
/// </summary>
/// <typeparam name="T">The subscriber.</typeparam>
internal sealed class ShareGroup<T> : Share
    where T : class
{
    private volatile ShareMember<T>[] members = [];

    /// <param name="filter">The whole filter; it owns its bytes.</param>
    public ShareGroup(MqttString filter)
        : base(filter)
    {
        if (!MqttTopic.TryParseShared(filter.Span, out var name, out var inner))
            throw new ArgumentException("This is not the filter of a shared subscription.", nameof(filter));
        ShareName = MqttString.FromUtf8(filter.Bytes.Slice("$share/".Length, name.Length));
        TopicFilter = MqttString.FromUtf8(filter.Bytes[^inner.Length..]);
    }

    /// <summary>The name of the group.</summary>
    public MqttString ShareName { get; }

    /// <summary>What topics are matched with.</summary>
    public MqttString TopicFilter { get; }

    /// <summary>Who shares, in the order in which they came.</summary>
    public ShareMember<T>[] Members => members;

    /// <summary>Which member got the last message. A hint: members come and go, and publishers of several threads set it.</summary>
    public int Last { get; set; } = -1;

    /// <summary>Adds a member, or replaces its terms; true if it is new.</summary>
    public bool Add(in ShareMember<T> member)
    {
        var index = IndexOf(member.Subscriber);
        if (index < 0)
        {
            members = [.. members, member];
            return true;
        }

        var changed = members.ToArray();
        changed[index] = member;
        members = changed;
        return false;
    }

    /// <summary>Takes a member out; true if it was one.</summary>
    public bool Remove(T subscriber)
    {
        var index = IndexOf(subscriber);
        if (index < 0)
            return false;
        members = [.. members.AsSpan(0, index), .. members.AsSpan(index + 1)];

        // Whose turn it is stays so.
        if (Last >= index)
            Last--;
        return true;
    }

    /// <summary>Where a subscriber stands among the members; -1 if it is none.</summary>
    public int IndexOf(T subscriber) => Array.FindIndex(members, member => ReferenceEquals(member.Subscriber, subscriber));
}

/// <summary>One who shares.</summary>
/// <param name="Subscriber">Who it is.</param>
/// <param name="Terms">What its own subscription says about its copies.</param>
internal readonly record struct ShareMember<T>(T Subscriber, DeliveryTerms Terms)
    where T : class;
