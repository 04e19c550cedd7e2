using Mqtt.Protocol;
using Mqtt.Testing;

namespace Mqtt.Delivery.Tests.Lossy;

/// <summary>
/// Sender and receiver of QoS 1 and 2, made of the delivery rules alone, over connections that are cut again and again, in virtual
/// time: no pipe, no packet, no thread. Either side may lose its process with the connection, and go on from what a store keeps.
/// </summary>
public class LossyLinkTests(ITestOutputHelper output)
{
    private const int MessageCount = 3_000;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 20)]
    [InlineData(4, 100)]
    [InlineData(5, 1_000)]
    [InlineData(6, 65_535)]
    [Spec(V5, "4.3.2-4")]
    [Spec(V5, "4.3.3-8")]
    [Spec(V5, "4.3.3-10")]
    [Spec(V5, "4.3.3-11")]
    [Spec(V5, "4.4.0-1")]
    [Spec(V5, "4.4.0-2")]
    [Spec(V5, "4.6.0-1")]
    [Spec(V5, "4.6.0-4")]
    [Spec(V5, "4.9.0-2")]
    [Spec(V311, "4.3.2-2")]
    [Spec(V311, "4.3.3-1")]
    [Spec(V311, "4.3.3-2")]
    [Spec(V311, "4.4.0-1")]
    [Spec(V311, "4.6.0-1")]
    [Spec(V311, "4.6.0-4")]
    public void Nothing_is_lost_QoS_2_comes_exactly_once_and_the_order_stays(int seed, int largestWindow) =>
        Run(new SeededRandom(seed, output.WriteLine), largestWindow);

    [Fact]
    public void So_it_is_with_a_seed_that_nobody_chose() => Run(new SeededRandom(print: output.WriteLine), largestWindow: 50);

    // The Receive Maximum differs from connection to connection; 65,535 is as good as none, as in 3.1.1.
    private void Run(SeededRandom random, int largestWindow)
    {
        var time = new VirtualTime();
        var messages = Messages(random);
        var (sender, receiver) = (new LossySender(), new LossyReceiver(Refuses));
        var links = new List<LossyLink>();
        var published = 0;
        PublishNext();

        while (published < MessageCount || !sender.IsDone)
        {
            var window = largestWindow == 65_535 ? largestWindow : random.Next(1, largestWindow + 1);
            var link = new LossyLink(time, random);
            links.Add(link);
            receiver.Connect(link, window);
            sender.Connect(link, window);
            time.Advance(TimeSpan.FromMilliseconds(random.Next(random.Next(2, 300))));
            link.Cut();
            sender.Disconnect();
            time.Advance(TimeSpan.FromMilliseconds(random.Next(20)));
            if (random.Chance(30))
                sender.Restart();
            if (random.Chance(30))
                receiver.Restart();
        }

        output.WriteLine($"{links.Count} connections, {links.Sum(link => link.LostCount)} packets lost, {sender.ResentCount} sent again, " +
            $"{receiver.DuplicateCount} QoS 2 duplicates, {time.Elapsed} of virtual time");
        Check(messages, sender, receiver, random);
        (links.Count > 20 && sender.ResentCount > 100 && receiver.DuplicateCount > 10).Should().BeTrue("else it proves little");

        void PublishNext()
        {
            sender.Publish(messages[published++]);
            if (published < MessageCount)
                time.CreateTimer(_ => PublishNext(), null, TimeSpan.FromMilliseconds(random.Next(5)), Timeout.InfiniteTimeSpan);
        }
    }

    private static void Check(List<Message> messages, LossySender sender, LossyReceiver receiver, SeededRandom random)
    {
        var accepted = messages.Where(message => !Refuses(message)).ToList();
        sender.Completed.OrderBy(message => message.Number).Should().Equal(accepted, $"each is acknowledged once ({random})");
        sender.Refused.OrderBy(message => message.Number).Should().Equal(messages.Where(Refuses), $"each refusal arrives once ({random})");

        Of(receiver, QualityOfService.ExactlyOnce).Should().Equal(Numbers(accepted, QualityOfService.ExactlyOnce), $"exactly once, in order ({random})");

        var atLeastOnce = Of(receiver, QualityOfService.AtLeastOnce);
        var expected = Numbers(accepted, QualityOfService.AtLeastOnce);
        atLeastOnce.Distinct().Should().Equal(expected, $"the first copies are in order ({random})");
        atLeastOnce.Reverse().Distinct().Reverse().Should().Equal(expected, $"the last copies are in order ({random})");
    }

    // The same message is refused whenever it comes, else a refusal that got lost would rightly change the order.
    private static bool Refuses(Message message) => message.Number % 37 == 5;

    private static List<Message> Messages(SeededRandom random)
    {
        var messages = new List<Message>();
        for (var i = 0; i < MessageCount; i++)
            messages.Add(new Message(random.Chance(50) ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce, i));
        return messages;
    }

    private static int[] Of(LossyReceiver receiver, QualityOfService qualityOfService) => [.. Numbers(receiver.Delivered, qualityOfService)];

    private static IEnumerable<int> Numbers(IEnumerable<Message> messages, QualityOfService qualityOfService) =>
        messages.Where(message => message.QualityOfService == qualityOfService).Select(message => message.Number);
}
