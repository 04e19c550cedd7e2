using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Routing;

namespace Mqtt.Routing.Tests;

/// <summary>The subscribers of one filter, who come and go while publishers read who was there.</summary>
public sealed class SubscribersTests(ITestOutputHelper output)
{
    [Fact]
    public void What_was_read_stays_as_it_was_whoever_comes_and_goes()
    {
        var random = new SeededRandom(print: output.WriteLine);
        var subscribers = new Subscribers<Client>();
        var clients = Enumerable.Range(0, 1_500).Select(number => new Client(number)).ToArray();
        var present = new Dictionary<Client, QualityOfService>();
        var seen = new List<(Receivers<Client> Read, List<(int, QualityOfService)> Then)>();

        for (var step = 0; step < 20_000; step++)
        {
            // Waves, so that it grows over several pieces and shrinks to nothing.
            var client = clients[random.Next(clients.Length)];
            var quality = (QualityOfService)random.Next(3);
            if (random.Chance(step / 5_000 % 2 == 0 ? 75 : 10))
            {
                subscribers.Add(TargetOf(client, quality)).Should().Be(present.TryAdd(client, quality));
                present[client] = quality;
            }
            else
            {
                subscribers.Remove(client).Should().Be(present.Remove(client));
            }

            subscribers.Count.Should().Be(present.Count);
            if (random.Chance(1))
                seen.Add((subscribers.Receivers, [.. present.Select(one => (one.Key.Number, one.Value)).Order()]));
        }

        foreach (var (read, then) in seen)
        {
            read.Length.Should().Be(then.Count);
            Describe(read).Order().SequenceEqual(then).Should().BeTrue($"{random}");
        }
    }

    [Fact]
    public void Who_comes_and_goes_among_ten_thousand_costs_a_piece_and_not_all()
    {
        var subscribers = new Subscribers<Client>();
        var clients = Enumerable.Range(0, 10_000).Select(number => new Client(number)).ToArray();
        foreach (var client in clients)
            subscribers.Add(TargetOf(client, default));
        subscribers.Receivers.Length.Should().Be(10_000);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            subscribers.Remove(clients[i * 37]);
            subscribers.Receivers.Length.Should().Be(9_999);
            subscribers.Add(TargetOf(clients[i * 37], default));
            subscribers.Receivers.Length.Should().Be(10_000);
        }

        // All of them would be half a megabyte each time.
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(100 * 64 * 1024);
    }

    private static Target<Client> TargetOf(Client client, QualityOfService quality) => new(client, new DeliveryTerms(quality, false, null), null);

    private static List<(int, QualityOfService)> Describe(in Receivers<Client> receivers)
    {
        var all = new List<(int, QualityOfService)>();
        foreach (ref readonly var target in receivers)
            all.Add((target.Subscriber.Number, target.Terms.MaximumQoS));
        return all;
    }

    private sealed class Client(int number)
    {
        public int Number => number;
    }
}
