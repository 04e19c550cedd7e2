using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Routing;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Sharing;

/// <summary>A message for a shared subscription, and the members of which one is to get it. See <see cref="ISharedPick"/>.</summary>
public readonly ref struct SharedDelivery
{
    private readonly ref readonly MessageParts message;
    private readonly ShareGroup<Session> group;
    private readonly ShareMember<Session>[] members;

    internal SharedDelivery(ref readonly MessageParts message, ShareGroup<Session> group, ShareMember<Session>[] members)
    {
        this.message = ref message;
        this.group = group;
        this.members = members;
    }

    /// <summary>The name of the group.</summary>
    public MqttString ShareName => group.ShareName;

    /// <summary>The filter that topics are matched with; together with the name it is the shared subscription.</summary>
    public MqttString Filter => group.TopicFilter;

    /// <summary>The topic name of the message, UTF-8.</summary>
    public ReadOnlySpan<byte> Topic => message.Topic.Span;

    /// <summary>The application's bytes.</summary>
    public ReadOnlySpan<byte> Payload => message.Payload.Span;

    /// <summary>The QoS as it was published.</summary>
    public QualityOfService QualityOfService => message.QualityOfService;

    /// <summary>How many members there are, connected or not. They are numbered from 0 in the order in which they came.</summary>
    public int MemberCount => members.Length;

    /// <summary>The member that got the last message, -1 if that is not known. A hint: others publish at the same time.</summary>
    public int LastMember => group.Last;

    /// <summary>The client identifier of a member.</summary>
    /// <exception cref="IndexOutOfRangeException">There is no such member.</exception>
    public string ClientIdOf(int member) => members[member].Subscriber.ClientId;

    /// <summary>True if a member is connected and has room, so that the message would leave at once. A hint: it may change at any moment.</summary>
    /// <exception cref="IndexOutOfRangeException">There is no such member.</exception>
    public bool CanTake(int member) => members[member].Subscriber.CanTakeShared;
}
