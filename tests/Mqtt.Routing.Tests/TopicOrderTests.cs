using System.Text;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Retained;

namespace Mqtt.Routing.Tests;

/// <summary>Retained topics in order, so many that they stand in several pieces.</summary>
public sealed class TopicOrderTests(ITestOutputHelper output)
{
    // The topics grow to some thousands and dwindle to none, twice; whole ranges go at once, so that pieces do.
    [Fact]
    public void Topics_that_come_and_go_are_found_in_the_order_of_their_bytes_from_any_one_on()
    {
        var random = new SeededRandom(print: output.WriteLine);
        var order = new TopicOrder();
        var present = new SortedDictionary<string, RetainedTopic>(StringComparer.Ordinal);
        for (var step = 0; step < 20_000; step++)
        {
            var grows = step % 10_000 < 6_000;
            if (random.Chance(grows ? 90 : 10))
                Add(order, present, RandomName(random));
            else if (present.Count > 0)
                Remove(order, present, RandomName(random), atMost: grows ? 1 : random.Next(1, 60));
            if (step % 100 == 0)
                Check(order, present, RandomName(random), inclusive: random.Chance(50), random);
        }

        Remove(order, present, "", int.MaxValue);
        order.From(default, inclusive: true).Should().BeEmpty();
    }

    private static string RandomName(SeededRandom random) => $"site/{random.Next(20)}/{random.Next(1_000)}";

    private static void Add(TopicOrder order, SortedDictionary<string, RetainedTopic> present, string name)
    {
        var topic = new RetainedTopic { Message = StoredMessage.Copy(new MessageParts { Topic = Encoding.ASCII.GetBytes(name) }) };
        if (present.TryAdd(name, topic))
            order.Add(topic);
        else
            topic.Message.Release();
    }

    // From a name on.
    private static void Remove(TopicOrder order, SortedDictionary<string, RetainedTopic> present, string name, int atMost)
    {
        foreach (var (gone, topic) in present.Where(one => string.CompareOrdinal(one.Key, name) >= 0).Take(atMost).ToList())
        {
            present.Remove(gone);
            order.Remove(topic);
            topic.Message.Release();
        }
    }

    private static void Check(TopicOrder order, SortedDictionary<string, RetainedTopic> present, string name, bool inclusive, SeededRandom random)
    {
        var found = order.From(Encoding.ASCII.GetBytes(name), inclusive).Select(topic => topic.Name.ToString());
        var expected = present.Keys.Where(one => string.CompareOrdinal(one, name) is var place && (place > 0 || (inclusive && place == 0)));
        found.SequenceEqual(expected).Should().BeTrue("from '{0}' on, of {1}, {2}", name, present.Count, random);
    }
}
