namespace Mqtt.Server.Broker.Routing;

/// <summary>
/// Brings the ways of several topics through the tree into the processor's cache. With a hundred thousand filters each step from node to node is a place in memory that no
/// cache remembers, and a message that takes the steps alone waits at every one. Here all topics go one level at a time, and what one will need comes from memory while the others take their
/// step. Branches for wildcards are not followed: what most topics share is remembered anyway. The router's lock guards it.
/// </summary>
internal sealed class SubscriptionLookahead<T>(SubscriptionNode<T> root)
    where T : class
{
    // Deeper than that hardly any filter goes; a topic may have thirty thousand.
    private const int MostLevels = 32;

    // Room for as many topics as there ever were at once.
    private Way[] ways = [];

    /// <summary>Fetches what stands on the ways of these topics.</summary>
    public void Fetch(ReadOnlySpan<byte> bytes, ReadOnlySpan<TopicPlace> topics)
    {
        if (ways.Length < topics.Length)
            ways = new Way[topics.Length];
        var all = ways.AsSpan(0, topics.Length);
        for (var i = 0; i < all.Length; i++)
            all[i] = new Way { Node = root, At = topics[i].Start, End = topics[i].Start + topics[i].Length };

        var goesOn = true;
        for (var level = 0; goesOn && level < MostLevels; level++)
        {
            foreach (ref var way in all)
                way.Ask(bytes);
            goesOn = false;
            foreach (ref var way in all)
                goesOn |= way.TakeStep();
        }
    }

    // One topic's. A node that has gone is kept alive by the last ways at most.
    private struct Way
    {
        public SubscriptionNode<T>? Node;
        public int At;
        public int End;
        private SubscriptionChildren<T>.Place child;

        // The node has come: where is the next?
        public void Ask(ReadOnlySpan<byte> bytes)
        {
            child = default;
            if (Node?.Children is not { } children || At > End)
                return;
            var level = Levels.First(bytes[At..End]);
            child = children.PlaceOf(level);
            At += level.Length + 1;
        }

        // Its place has come: have it fetched. False at the end of the way.
        public bool TakeStep()
        {
            Node = child.FindByHash();
            Node?.Fetch();
            return Node is not null;
        }
    }
}
