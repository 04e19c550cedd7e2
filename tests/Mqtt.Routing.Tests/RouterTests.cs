using System.Text;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Routing;

namespace Mqtt.Routing.Tests;

/// <summary>Who gets the messages of a topic, whatever came and went before, and whatever was asked before. Alone: some of them measure the memory of the process.</summary>
[Collection(nameof(RouterTests))]
[CollectionDefinition(nameof(RouterTests), DisableParallelization = true)]
public sealed class RouterTests(ITestOutputHelper output)
{
    // How often a topic is met before its answer is kept.
    private const int TimesUntilKept = 4;

    // Few names, so that filters and topics meet; the empty level is one of them, one that clients cannot reach by wildcards, and one of which a node keeps no copy.
    private static readonly string[] Names = ["a", "b", "level-of-many-bytes", "", "$x"];

    // Most that come stay, or few: then most filters share their way with none, and levels part and are left alone again all the time.
    [Theory]
    [InlineData(20)]
    [InlineData(65)]
    public void Random_subscriptions_that_come_and_go_are_answered_as_one_by_one_comparison_does(int chanceToGo)
    {
        var random = new SeededRandom(print: output.WriteLine);
        var router = new Router<Client>();
        var clients = Enumerable.Range(0, 12).Select(number => new Client(number)).ToArray();
        var present = new Dictionary<(Client, MqttString), Subscription<Client>>();

        for (var step = 0; step < 10_000; step++)
        {
            var client = clients[random.Next(clients.Length)];
            var filter = RandomFilter(random);
            if (random.Chance(chanceToGo))
            {
                if (present.Count > 0 && random.Chance(50))
                    (client, filter) = present.Keys.ElementAt(random.Next(present.Count));
                router.Remove(filter, client).Should().Be(present.Remove((client, filter)));
            }
            else if (random.Chance(30))
            {
                var subscription = RandomSubscription(random, client);
                router.Add(filter, subscription).Should().Be(!present.ContainsKey((client, filter)));
                present[(client, filter)] = subscription;
            }

            var topic = RandomTopic(random);
            LookAhead(router, [topic, RandomTopic(random), RandomTopic(random)]);
            Describe(router.Find(topic.Span)).Should().BeEquivalentTo(Expected(present, topic), "step {0}, topic '{1}', {2}", step, topic, random);
        }

        router.Count.Should().Be(present.Count);
    }

    [Theory]
    [InlineData("#", "a/b")]
    [InlineData("+/b", "a/b")]
    [InlineData("a/#", "a")]
    [InlineData("a/#", "a/b/c/d")]
    [InlineData("a/+", "a/b")]
    [InlineData("a/+/c", "a/b/c")]
    [InlineData("a/b/#", "a/b")]
    [InlineData("a/b/+/d", "a/b/c/d")]
    [InlineData("a//#", "a/")]
    [InlineData("/+", "/x")]
    [InlineData("//#", "/")]
    [InlineData("a/b", "a/b")]
    public void A_filter_is_seen_by_the_next_message_of_a_topic_that_was_asked_for_before(string filter, string topic)
    {
        var router = new Router<Client>();
        var client = new Client(1);

        FindOften(router, topic).Should().Be(0);
        router.Add(filter, new(client, default, NoLocal: false));
        FindOften(router, topic).Should().Be(1);
        router.Remove(filter, client);
        FindOften(router, topic).Should().Be(0);
    }

    [Fact]
    public void A_filter_elsewhere_leaves_an_answer_as_it_is()
    {
        var router = new Router<Client>();
        router.Add("plant/7/+", new(new(1), default, NoLocal: false));
        router.Add("plant/7/#", new(new(2), default, NoLocal: false));
        FindOften(router, "plant/7/temperature");

        router.Add("plant/8/+", new(new(3), default, NoLocal: false));
        router.Add("office/#", new(new(4), default, NoLocal: false));
        router.Add("plant/7/pressure", new(new(5), default, NoLocal: false));
        AllocatedBy(() => router.Find("plant/7/temperature"u8)).Should().Be(0);

        // One that matches ends it: two receivers are put together anew.
        router.Add("plant/7/+/#", new(new(6), default, NoLocal: false));
        AllocatedBy(() => router.Find("plant/7/temperature"u8)).Should().BePositive();
    }

    [Fact]
    public void Topics_that_one_filter_alone_matches_share_their_receivers()
    {
        var router = new Router<Client>();
        for (var number = 0; number < 1_000; number++)
            router.Add("plant/#", new(new(number), default, NoLocal: false));
        router.Find("plant/1"u8).Targets.Length.Should().Be(1_000);

        AllocatedBy(() => router.Find("plant/2"u8)).Should().Be(0);
        router.Find("plant/2"u8).Targets.Length.Should().Be(1_000);
    }

    [Fact]
    public void Long_filters_that_are_gone_leave_nothing_behind_in_the_levels_that_others_share()
    {
        const int Filters = 200;
        const int Length = 60_000;
        var router = new Router<Client>();
        var (guest, host) = (new Client(1), new Client(2));
        var before = GC.GetTotalMemory(forceFullCollection: true);

        for (var number = 0; number < Filters; number++)
        {
            var filter = MqttString.FromString($"shared/{number}/{new string('x', Length)}");
            router.Add(filter, new(guest, default, NoLocal: false));
            router.Add($"shared/{number}/y", new(host, default, NoLocal: false));
            router.Find(filter.Span).Targets.Length.Should().Be(1);
            router.Remove(filter, guest).Should().BeTrue();
        }

        (GC.GetTotalMemory(forceFullCollection: true) - before).Should().BeLessThan(Filters * Length / 10);
        FindOften(router, "shared/7/y").Should().Be(1);
    }

    [Theory]
    [InlineData("a/b/c/d", "a/b/x")]
    [InlineData("a/b/c/d", "a/b")]
    [InlineData("a/b/c/#", "a/+/x")]
    [InlineData("+/b/c", "+/b/#")]
    public void A_shared_subscription_stays_where_it_is_when_others_go_part_of_its_way(string filter, string other)
    {
        var router = new Router<Client>();
        var (member, guest) = (new Client(1), new Client(2));
        router.Add($"$share/group/{filter}", new(member, default, NoLocal: false));
        var topic = Encoding.ASCII.GetBytes(filter.Replace('+', 'a').Replace('#', 'd'));

        router.Add(other, new(guest, default, NoLocal: false)).Should().BeTrue();
        router.Find(topic).Groups.Should().ContainSingle();
        router.Remove(other, guest).Should().BeTrue();
        router.Find(topic).Groups.Should().ContainSingle().Which.Members.Should().ContainSingle();

        router.Remove($"$share/group/{filter}", member).Should().BeTrue();
        router.Find(topic).Groups.Should().BeNull();
    }

    [Fact]
    public void The_answers_for_more_topics_than_are_kept_are_right_and_their_memory_is_bounded()
    {
        const int Topics = 100_000;
        var router = new Router<Client>();
        var client = new Client(1);
        router.Add("t/+/x", new(client, default, NoLocal: false));
        string Topic(int number) => $"t/{number}/{(number % 2 == 0 ? 'x' : 'y')}";

        for (var i = 0; i < Topics; i++)
            FindOften(router, Topic(i)).Should().Be(1 - (i % 2));
        var kept = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Topics; i++)
            FindOften(router, Topic(Topics + i)).Should().Be(1 - (i % 2));
        (GC.GetTotalMemory(forceFullCollection: true) - kept).Should().BeLessThan(4 * 1024 * 1024);

        router.Remove("t/+/x", client);
        for (var i = Topics; i < 2 * Topics; i++)
            router.Find(Encoding.UTF8.GetBytes(Topic(i))).Targets.Length.Should().Be(0);
    }

    [Fact]
    public void Answers_with_more_receivers_than_are_kept_are_right_and_their_memory_is_bounded()
    {
        const int Subscribers = 5_000;
        var router = new Router<Client>();
        foreach (var client in Enumerable.Range(0, Subscribers).Select(number => new Client(number)))
        {
            router.Add("t/+/x", new(client, default, NoLocal: false));
            router.Add("t/#", new(client, default, NoLocal: false));
        }

        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 400; i++)
            FindOften(router, $"t/{i}/x").Should().Be(Subscribers);

        (GC.GetTotalMemory(forceFullCollection: true) - before).Should().BeLessThan(32 * 1024 * 1024, "all of them would take twice as much");

        // From the last one on. To find one anew takes thirty bytes and more for each receiver.
        Enumerable.Range(1, 400).Count(i => AllocatedBy(() => router.Find(Encoding.UTF8.GetBytes($"t/{400 - i}/x"))) < Subscribers)
            .Should().BeGreaterThan(10, "where there is no room for all, there still is for many");
    }

    [Fact]
    public void What_comes_all_the_time_is_still_answered_when_others_have_taken_all_other_places()
    {
        var router = new Router<Client>();
        router.Add("+/there", new(new(1), default, NoLocal: false));
        router.Add("always/#", new(new(2), default, NoLocal: false));
        FindOften(router, "always/there");

        for (var i = 0; i < 100_000; i++)
        {
            if (i % 100 == 0)
                AllocatedBy(() => router.Find("always/there"u8)).Should().Be(0);
            for (var times = 0; times < TimesUntilKept; times++)
                router.Find(Encoding.UTF8.GetBytes($"{i}/there"));
        }
    }

    [Fact]
    public void Many_levels_beside_one_another_that_come_and_go_are_found_as_long_as_they_are_there()
    {
        var random = new SeededRandom(print: output.WriteLine);
        var router = new Router<Client>();
        var client = new Client(1);
        var present = new HashSet<int>();

        for (var step = 0; step < 60_000; step++)
        {
            // Up to some thousand of them, and back to few, three times.
            var number = random.Next(5_000);
            if (random.Chance(step / 10_000 % 2 == 0 ? 90 : 5))
                router.Add($"site/{number}/temp", new(client, default, NoLocal: false)).Should().Be(present.Add(number));
            else
                router.Remove($"site/{number}/temp", client).Should().Be(present.Remove(number));

            number = random.Next(5_000);
            router.Find(Encoding.UTF8.GetBytes($"site/{number}/temp")).Targets.Length.Should().Be(present.Contains(number) ? 1 : 0, "step {0}, {1}", step, random);
        }

        foreach (var number in present)
            router.Find(Encoding.UTF8.GetBytes($"site/{number}/temp")).Targets.Length.Should().Be(1);
    }

    [Fact]
    public void A_subscriber_of_several_filters_gets_one_copy_on_the_terms_of_all_or_one_of_each()
    {
        var client = new Client(1);
        foreach (var copies in new[] { false, true })
        {
            var router = new Router<Client>(copies);
            router.Add("a/+", new(client, new(QualityOfService.AtMostOnce, RetainAsPublished: true, [1]), NoLocal: true));
            router.Add("a/b", new(client, new(QualityOfService.ExactlyOnce, RetainAsPublished: false, [2]), NoLocal: false));

            var targets = All(router.Find("a/b"u8).Targets);

            targets.Should().HaveCount(copies ? 2 : 1);
            if (copies)
                continue;
            targets[0].Terms.MaximumQoS.Should().Be(QualityOfService.ExactlyOnce);
            targets[0].Terms.RetainAsPublished.Should().BeTrue();
            targets[0].Terms.Identifiers.Should().BeEquivalentTo([1u, 2u]);
            targets[0].OwnTerms.Should().Be(new DeliveryTerms(QualityOfService.ExactlyOnce, RetainAsPublished: false, targets[0].OwnTerms!.Value.Identifiers));
            targets[0].OwnTerms!.Value.Identifiers.Should().Equal(2u);
        }
    }

    [Fact]
    public void A_topic_that_comes_once_and_has_no_subscriber_costs_no_memory()
    {
        var router = new Router<Client>();
        for (var number = 0; number < 100; number++)
            router.Add($"plant/{number}/+", new(new(number), default, NoLocal: false));
        byte[][] topics = [.. Enumerable.Range(0, 1_000).Select(number => Encoding.UTF8.GetBytes($"plant/{number % 100}/a/{number}"))];
        router.Find(topics[0]);

        AllocatedBy(() =>
        {
            foreach (var topic in topics)
                router.Find(topic);
        }).Should().Be(0);
    }

    [Fact]
    public void A_hundred_thousand_topics_in_turn_cost_hardly_any_memory_and_leave_what_comes_all_the_time()
    {
        const int Finds = 400_000;
        var random = new SeededRandom(print: output.WriteLine);
        var router = new Router<Client>();
        for (var number = 0; number < 1_000; number++)
            router.Add($"plant/{number}/+", new(new(number), default, NoLocal: false));
        router.Add("always/+", new(new(1), default, NoLocal: false));
        router.Add("always/#", new(new(2), default, NoLocal: false));
        byte[][] topics = [.. Enumerable.Range(0, 100_000).Select(number => Encoding.UTF8.GetBytes($"plant/{number % 1_000}/{number}"))];
        FindOften(router, "always/there");

        AllocatedBy(() =>
        {
            for (var i = 0; i < Finds; i++)
            {
                router.Find(topics[random.Next(topics.Length)]);
                if (i % 100 == 0)
                    router.Find("always/there"u8);
            }
        }).Should().BeLessThan(Finds * 32, "one that is kept takes some two hundred bytes");
        AllocatedBy(() => router.Find("always/there"u8)).Should().Be(0);
    }

    private static long AllocatedBy(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static List<Target<Client>> All(in Receivers<Client> receivers)
    {
        var all = new List<Target<Client>>();
        foreach (ref readonly var target in receivers)
            all.Add(target);
        return all;
    }

    // What comes again and again is kept.
    private static int FindOften(Router<Client> router, string topic)
    {
        for (var i = 0; i < TimesUntilKept; i++)
            router.Find(Encoding.UTF8.GetBytes(topic));
        return router.Find(Encoding.UTF8.GetBytes(topic)).Targets.Length;
    }

    private static Subscription<Client> RandomSubscription(SeededRandom random, Client client) => new(
        client,
        new((QualityOfService)random.Next(3), random.Chance(50), random.Chance(50) ? [(uint)random.Next(1, 1_000)] : null),
        random.Chance(30));

    private static MqttString RandomFilter(SeededRandom random)
    {
        var levels = Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Chance(30) ? "+" : Names[random.Next(Names.Length)]).ToList();
        if (random.Chance(30))
            levels.Add("#");
        var filter = string.Join('/', levels);
        return filter.Length == 0 ? "a" : filter;
    }

    private static MqttString RandomTopic(SeededRandom random)
    {
        var topic = string.Join('/', Enumerable.Range(0, random.Next(1, 6)).Select(_ => Names[random.Next(Names.Length)]));
        return topic.Length == 0 ? "a" : topic;
    }

    // Of no consequence for any answer.
    private static void LookAhead(Router<Client> router, MqttString[] topics)
    {
        var places = new TopicPlace[topics.Length];
        var start = 0;
        for (var i = 0; i < topics.Length; start += places[i++].Length)
            places[i] = new(start, topics[i].Length);
        router.Fetch(topics.SelectMany(topic => topic.Span.ToArray()).ToArray(), places);
    }

    private static List<string> Describe(Match<Client> match)
    {
        var all = new List<string>();
        foreach (ref readonly var target in match.Targets)
            all.Add($"{target.Subscriber.Number} {Describe(target.Terms)} own {(target.OwnTerms is { } own ? Describe(own) : "none")}");
        return all;
    }

    private static string Describe(DeliveryTerms terms) =>
        $"{terms.MaximumQoS} {terms.RetainAsPublished} [{string.Join(' ', (terms.Identifiers ?? []).Order())}]";

    private static IEnumerable<string> Expected(Dictionary<(Client Client, MqttString Filter), Subscription<Client>> present, MqttString topic) => present
        .Where(entry => MqttTopic.Matches(entry.Key.Filter.Span, topic.Span))
        .GroupBy(entry => entry.Key.Client, entry => entry.Value)
        .Select(group => $"{group.Key.Number} {Together(group)} own {(group.Any(one => !one.NoLocal) ? Together(group.Where(one => !one.NoLocal)) : "none")}");

    private static string Together(IEnumerable<Subscription<Client>> all) => Describe(new DeliveryTerms(
        all.Max(one => one.Terms.MaximumQoS),
        all.Any(one => one.Terms.RetainAsPublished),
        [.. all.SelectMany(one => one.Terms.Identifiers ?? [])]));

    private sealed record Client(int Number);
}
