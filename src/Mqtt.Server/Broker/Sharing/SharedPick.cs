namespace Mqtt.Server.Broker.Sharing;

/// <summary>The usual ways to pick a member of a shared subscription.</summary>
public static class SharedPick
{
    /// <summary>One after the other, those that are connected and have room. The default.</summary>
    public static ISharedPick RoundRobin { get; } = new RoundRobinPick();

    /// <summary>Any one that is connected and has room.</summary>
    public static ISharedPick Random { get; } = new RandomPick();

    /// <summary>The same one until it is away or has no room: the others are its reserve.</summary>
    public static ISharedPick Sticky { get; } = new StickyPick();

    /// <summary>
    /// By the topic: messages of one topic go to one member as long as it is connected and has room. A member that comes or goes changes
    /// this for its own topics only.
    /// </summary>
    public static ISharedPick TopicHash { get; } = new TopicHashPick();

    private sealed class RoundRobinPick : ISharedPick
    {
        public int Pick(in SharedDelivery delivery)
        {
            var count = delivery.MemberCount;
            for (var step = 1; step <= count; step++)
            {
                var member = (delivery.LastMember + step) % count;
                if (delivery.CanTake(member))
                    return member;
            }

            return -1;
        }
    }

    private sealed class RandomPick : ISharedPick
    {
        public int Pick(in SharedDelivery delivery)
        {
            // Each that can take it replaces the pick so far with a chance of one in how many there were.
            var (picked, able) = (-1, 0);
            for (var member = 0; member < delivery.MemberCount; member++)
            {
                if (delivery.CanTake(member) && System.Random.Shared.Next(++able) == 0)
                    picked = member;
            }

            return picked >= 0 ? picked : System.Random.Shared.Next(delivery.MemberCount);
        }
    }

    private sealed class StickyPick : ISharedPick
    {
        public int Pick(in SharedDelivery delivery) => Math.Max(0, delivery.LastMember);
    }

    private sealed class TopicHashPick : ISharedPick
    {
        // The highest of all members' numbers for this topic wins, so that nobody's change alters what the others win.
        public int Pick(in SharedDelivery delivery)
        {
            var hash = new HashCode();
            hash.AddBytes(delivery.Topic);
            var topic = hash.ToHashCode();
            var (picked, best) = (-1, (CanTake: false, Number: 0));
            for (var member = 0; member < delivery.MemberCount; member++)
            {
                var rank = (delivery.CanTake(member), HashCode.Combine(topic, delivery.ClientIdOf(member)));
                if (picked < 0 || rank.CompareTo(best) > 0)
                    (picked, best) = (member, rank);
            }

            return picked;
        }
    }
}
