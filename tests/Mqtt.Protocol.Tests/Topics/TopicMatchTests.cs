using System.Text;

namespace Mqtt.Protocol.Tests.Topics;

public class TopicMatchTests
{
    [Theory]
    // The examples of sections 4.7.1.2 and 4.7.1.3.
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1")]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/ranking")]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon")]
    [InlineData("sport/#", "sport")]
    [InlineData("#", "sport")]
    [InlineData("#", "/")]
    [InlineData("sport/tennis/+", "sport/tennis/player1")]
    [InlineData("sport/tennis/+", "sport/tennis/player2")]
    [InlineData("sport/+", "sport/")]
    [InlineData("+", "sport")]
    [InlineData("+/tennis/#", "sport/tennis")]
    [InlineData("+/tennis/#", "sport/tennis/player1")]
    [InlineData("sport/+/player1", "sport/tennis/player1")]
    [InlineData("+/+", "/finance")]
    [InlineData("/+", "/finance")]
    // Levels may be empty, and are levels all the same (section 4.7.1.1).
    [InlineData("a//b", "a//b")]
    [InlineData("a/+/b", "a//b")]
    [InlineData("+/+/+", "//")]
    [InlineData("/", "/")]
    [InlineData("/#", "/")]
    [InlineData("/#", "/a/b")]
    [InlineData("+/#", "a")]
    [InlineData("+/#", "a/b/c")]
    [InlineData("a/+/#", "a/b")]
    [InlineData("a/+/#", "a/")]
    [InlineData("+/+/c", "a/b/c")]
    // Everything but a level is literal: spaces, letters of every script, a byte order mark.
    [InlineData("Accounts payable", "Accounts payable")]
    [InlineData("größe/+", "größe/日本")]
    [InlineData("\uFEFFa/+", "\uFEFFa/b")]
    public void A_filter_matches_these_names(string filter, string topic) => Matches(filter, topic).Should().BeTrue();

    [Theory]
    [InlineData("sport/tennis/+", "sport/tennis/player1/ranking")]
    [InlineData("sport/+", "sport")]
    [InlineData("+", "/finance")]
    [InlineData("+", "a/b")]
    [InlineData("sport/#", "sports")]
    [InlineData("sport/#", "spor")]
    [InlineData("sport", "sport/")]
    [InlineData("sport/", "sport")]
    [InlineData("/sport", "sport")]
    [InlineData("a/b", "a/c")]
    [InlineData("a/b", "a")]
    [InlineData("a", "a/b")]
    [InlineData("a/+/c", "a/b/d")]
    [InlineData("a/+/c", "a/b")]
    [InlineData("a/+/#", "a")]
    [InlineData("a//b", "a/b")]
    [InlineData("", "a")]
    [InlineData("a", "")]
    public void A_filter_does_not_match_these_names(string filter, string topic) => Matches(filter, topic).Should().BeFalse();

    [Theory]
    [Spec(V5, "4.7.2-1")]
    [Spec(V311, "4.7.2-1")]
    [InlineData("#", "$SYS/monitor/Clients", false)]
    [InlineData("+/monitor/Clients", "$SYS/monitor/Clients", false)]
    [InlineData("+", "$SYS", false)]
    [InlineData("$SYS/#", "$SYS/monitor/Clients", true)]
    [InlineData("$SYS/monitor/+", "$SYS/monitor/Clients", true)]
    [InlineData("$SYS/#", "$SYS", true)]
    [InlineData("+/$SYS", "a/$SYS", true)]
    public void A_leading_wildcard_does_not_match_a_name_that_begins_with_a_dollar(string filter, string topic, bool matches) =>
        Matches(filter, topic).Should().Be(matches);

    [Theory]
    [Spec(V5, "4.7.3-4")]
    [Spec(V311, "4.7.3-4")]
    [InlineData("ACCOUNTS", "Accounts")]
    [InlineData("\u00E9", "e\u0301")]
    [InlineData("\uFEFFa", "a")]
    [InlineData("a/b", "a/./b")]
    [InlineData("a%2Fb", "a/b")]
    public void Nothing_is_normalised(string filter, string topic) => Matches(filter, topic).Should().BeFalse();

    [Fact]
    public void Matching_is_iterative_and_takes_the_longest_names()
    {
        var topic = new string('/', MqttTopic.MaximumLengthBytes);
        var filter = string.Concat(Enumerable.Repeat("+/", MqttTopic.MaximumLengthBytes / 2)) + "+";

        Matches(filter, topic).Should().BeFalse("the name has twice as many levels");
        Matches(filter, topic[..(MqttTopic.MaximumLengthBytes / 2)]).Should().BeTrue();
        Matches(filter[..^1] + "#", topic[..(MqttTopic.MaximumLengthBytes / 2)]).Should().BeTrue();
    }

    [Fact]
    public void Matching_agrees_with_the_definition_on_random_filters_and_names()
    {
        const int Seed = 471;
        var random = new Random(Seed);
        var matched = 0;
        for (var i = 0; i < 200_000; i++)
        {
            var filter = RandomLevels(random, ["a", "b", "", "+", "ab", "$x"], mayEndWithAll: true);
            var topic = RandomLevels(random, ["a", "b", "", "ab", "$x"], mayEndWithAll: false);
            if (filter.Length == 0 || topic.Length == 0)
                continue;
            var expected = MatchesByDefinition(filter, topic);
            Matches(filter, topic).Should().Be(expected, $"of '{filter}' and '{topic}' (seed {Seed})");
            matched += expected ? 1 : 0;
        }

        matched.Should().BeGreaterThan(10_000, "the test must see both answers");
    }

    private static string RandomLevels(Random random, string[] levels, bool mayEndWithAll)
    {
        var chosen = Enumerable.Range(0, random.Next(1, 5)).Select(_ => levels[random.Next(levels.Length)]).ToList();
        if (mayEndWithAll && random.Next(3) == 0)
            chosen[^1] = "#";
        return string.Join('/', chosen);
    }

    // The definition of section 4.7, level by level, recursive and slow.
    private static bool MatchesByDefinition(string filter, string topic)
    {
        return !(topic[0] == '$' && (filter[0] is '+' or '#')) && Levels(filter.Split('/'), topic.Split('/'));

        static bool Levels(ReadOnlySpan<string> filter, ReadOnlySpan<string> topic)
        {
            if (filter.IsEmpty)
                return topic.IsEmpty;
            if (filter[0] == "#")
                return true;
            if (topic.IsEmpty)
                return false;
            return (filter[0] == "+" || filter[0] == topic[0]) && Levels(filter[1..], topic[1..]);
        }
    }

    private static bool Matches(string filter, string topic) => MqttTopic.Matches(Encoding.UTF8.GetBytes(filter), Encoding.UTF8.GetBytes(topic));
}
