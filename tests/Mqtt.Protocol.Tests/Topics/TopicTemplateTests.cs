namespace Mqtt.Protocol.Tests.Topics;

public class TopicTemplateTests
{
    [Theory]
    [InlineData("plant/{id}/temperature", "plant/+/temperature", "plant/7/temperature", "id=7")]
    [InlineData("plant/{id}/temperature", "plant/+/temperature", "plant//temperature", "id=")]
    [InlineData("{a}/{b}", "+/+", "x/y", "a=x b=y")]
    [InlineData("{a}/{b}", "+/+", "/y", "a= b=y")]
    [InlineData("{a}", "+", "x", "a=x")]
    [InlineData("plant/{rest...}", "plant/#", "plant/a/b/c", "rest=a/b/c")]
    [InlineData("plant/{rest...}", "plant/#", "plant/", "rest=")]
    [InlineData("plant/{rest...}", "plant/#", "plant", "rest=")]
    [InlineData("plant/{id}/{rest...}", "plant/+/#", "plant/7", "id=7 rest=")]
    [InlineData("{rest...}", "#", "a/b", "rest=a/b")]
    [InlineData("{rest...}", "#", "/", "rest=/")]
    [InlineData("a//{b}", "a//+", "a//x", "b=x")]
    [InlineData("a/b", "a/b", "a/b", "")]
    [InlineData("$SYS/{what}", "$SYS/+", "$SYS/time", "what=time")]
    [InlineData("größe/{größe}", "größe/+", "größe/日本", "größe=日本")]
    [InlineData("$share/group/jobs/{id}", "$share/group/jobs/+", "jobs/7", "id=7")]
    public void A_template_matches_these_topics_names_their_levels_and_is_this_filter(string text, string filter, string topic, string expected)
    {
        var template = MqttTopicTemplate.Parse(text);

        template.Filter.ToString().Should().Be(filter);
        template.ToString().Should().Be(text);
        template.TryMatch(topic, out var parameters).Should().BeTrue();
        string.Join(' ', parameters.Names.Select(name => $"{name}={parameters[name]}")).Should().Be(expected);
    }

    [Theory]
    [InlineData("plant/{id}/temperature", "plant/7/temperatur")]
    [InlineData("plant/{id}/temperature", "plant/7/temperature/")]
    [InlineData("plant/{id}/temperature", "plant/7/8/temperature")]
    [InlineData("plant/{id}/temperature", "plant/7")]
    [InlineData("plant/{id}/temperature", "Plant/7/temperature")]
    [InlineData("plant/{id}", "plant")]
    [InlineData("plant/{id}/{rest...}", "plant")]
    [InlineData("plant/{rest...}", "plants")]
    [InlineData("{a}", "a/b")]
    [InlineData("a/b", "a")]
    [InlineData("a", "a/b")]
    [InlineData("a/", "a")]
    [InlineData("a/{b}", "a/#")]
    [InlineData("$share/group/jobs/{id}", "$share/group/jobs/7")]
    public void A_template_does_not_match_these_topics(string text, string topic) => MqttTopicTemplate.Parse(text).TryMatch(topic, out _).Should().BeFalse();

    [Theory, Spec(V5, "4.7.2-1"), Spec(V311, "4.7.2-1")]
    [InlineData("{a}/time")]
    [InlineData("{rest...}")]
    public void A_name_at_the_beginning_does_not_stand_for_a_level_with_a_dollar_sign(string text) =>
        MqttTopicTemplate.Parse(text).TryMatch("$SYS/time", out _).Should().BeFalse();

    [Theory]
    [InlineData("plant/{id}/temperature")]
    [InlineData("plant/{rest...}")]
    [InlineData("{a}/{rest...}")]
    [InlineData("a//{b}/")]
    [InlineData("/{b}")]
    public void A_template_matches_what_its_filter_matches(string text)
    {
        var template = MqttTopicTemplate.Parse(text);
        string[] levels = ["", "plant", "temperature", "a", "$SYS"];
        var topics = levels.Concat(levels.SelectMany(first => levels.SelectMany(second =>
            levels.Select(third => $"{first}/{second}/{third}").Concat(levels.SelectMany(third => levels.Select(fourth => $"{first}/{second}/{third}/{fourth}"))).Append($"{first}/{second}"))));

        foreach (var topic in topics.Where(topic => topic.Length > 0))
        {
            MqttString bytes = topic;
            template.TryMatch(bytes, out _).Should().Be(MqttTopic.Matches(template.Filter.Span, bytes.Span), topic);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("plant/+")]
    [InlineData("plant/#")]
    [InlineData("{}")]
    [InlineData("{...}")]
    [InlineData("{a")]
    [InlineData("a}")]
    [InlineData("a{b}")]
    [InlineData("{a}b")]
    [InlineData("{a}{b}")]
    [InlineData("{*rest}")]
    [InlineData("{a b}")]
    [InlineData("{a}/{a}")]
    [InlineData("{rest...}/a")]
    [InlineData("a\0")]
    [InlineData("$share/group")]
    [InlineData("$share//a")]
    [InlineData("$share/{group}/a")]
    [InlineData("$share/group/")]
    public void These_are_no_templates(string text)
    {
        MqttTopicTemplate.TryParse(text, out _).Should().BeFalse();
        FluentActions.Invoking(() => MqttTopicTemplate.Parse(text)).Should().Throw<ArgumentException>().WithMessage("*is no topic template*");
    }

    [Fact]
    public void Half_a_surrogate_pair_makes_no_template() => MqttTopicTemplate.TryParse("a\uD800/{b}", out _).Should().BeFalse();

    [Fact]
    public void A_parameter_that_is_not_there_is_said_to_be_missing()
    {
        MqttTopicTemplate.Parse("{a}").TryMatch("x", out var parameters).Should().BeTrue();

        parameters.TryGet("b", out _).Should().BeFalse();
        FluentActions.Invoking(() => parameters["b"]).Should().Throw<KeyNotFoundException>();
        default(MqttTopicParameters).TryGet("a", out _).Should().BeFalse();
    }
}
