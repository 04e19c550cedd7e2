using System.Text;

namespace Mqtt.Protocol.Tests.Topics;

public class TopicSyntaxTests
{
    [Theory]
    [InlineData("a")]
    [InlineData("/")]
    [InlineData("//")]
    [InlineData(" ")]
    [InlineData("a/b/c")]
    [InlineData("Accounts payable")]
    [InlineData("$SYS/broker")]
    [InlineData("größe/日本/\U0002A6D4")]
    [InlineData("\uFEFF")]
    public void Names_may_hold_any_text_but_wildcards(string topic) => IsValidName(topic).Should().BeTrue();

    [Theory]
    [Spec(V5, "4.7.0-1")]
    [Spec(V311, "4.7.1-1")]
    [InlineData("#")]
    [InlineData("+")]
    [InlineData("a/#")]
    [InlineData("a/+/b")]
    [InlineData("a+b")]
    [InlineData("größe#")]
    [InlineData("日本/+")]
    public void Names_hold_no_wildcards(string topic) => IsValidName(topic).Should().BeFalse();

    [Fact]
    [Spec(V5, "4.7.3-1")]
    [Spec(V311, "4.7.3-1")]
    public void Names_and_filters_have_at_least_one_character()
    {
        MqttTopic.IsValidName(default).Should().BeFalse();
        MqttTopic.IsValidFilter(default).Should().BeFalse();
    }

    [Theory]
    [Spec(V5, "4.7.3-2")]
    [Spec(V311, "4.7.3-2")]
    [InlineData("\0")]
    [InlineData("a\0b")]
    [InlineData("ä\0")]
    public void Names_and_filters_hold_no_null_even_if_control_characters_are_allowed(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        MqttTopic.IsValidName(bytes, allowDisallowedCodePoints: true).Should().BeFalse();
        MqttTopic.IsValidFilter(bytes, allowDisallowedCodePoints: true).Should().BeFalse();
    }

    [Fact]
    [Spec(V5, "4.7.3-3")]
    [Spec(V311, "4.7.3-3")]
    public void Names_and_filters_have_at_most_65535_bytes()
    {
        var longest = new byte[65_535];
        longest.AsSpan().Fill((byte)'a');
        MqttTopic.IsValidName(longest).Should().BeTrue();
        MqttTopic.IsValidFilter(longest).Should().BeTrue();

        byte[] longer = [.. longest, (byte)'a'];
        MqttTopic.IsValidName(longer).Should().BeFalse();
        MqttTopic.IsValidFilter(longer).Should().BeFalse();
    }

    [Theory]
    [InlineData("a\u0001b")]
    [InlineData("a\u001F")]
    [InlineData("\u007F")]
    [InlineData("\u0080")]
    [InlineData("\u009Fa")]
    [InlineData("\uFDD0")]
    [InlineData("\uFDEF")]
    [InlineData("\uFFFE")]
    [InlineData("\uFFFF")]
    [InlineData("\U0001FFFE")]
    [InlineData("\U0010FFFF")]
    public void Disallowed_code_points_are_refused_unless_they_are_allowed(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        MqttTopic.IsValidName(bytes).Should().BeFalse();
        MqttTopic.IsValidFilter(bytes).Should().BeFalse();
        MqttTopic.IsValidName(bytes, allowDisallowedCodePoints: true).Should().BeTrue();
        MqttTopic.IsValidFilter(bytes, allowDisallowedCodePoints: true).Should().BeTrue();
    }

    [Theory]
    [InlineData("\u00A0")]
    [InlineData("\uFDCF")]
    [InlineData("\uFDF0")]
    [InlineData("\uFFFD")]
    [InlineData("\U0001FFFD")]
    [InlineData("\U0010FFFD")]
    [InlineData("~")]
    public void Their_neighbours_are_not_disallowed(string text) => IsValidName(text).Should().BeTrue();

    [Theory]
    [InlineData("C080")] // U+0000 in two bytes
    [InlineData("C1BF")] // overlong
    [InlineData("E08080")] // overlong
    [InlineData("F0808080")] // overlong
    [InlineData("EDA080")] // U+D800
    [InlineData("EDBFBF")] // U+DFFF
    [InlineData("EDA080EDB080")] // a pair of surrogates, each encoded
    [InlineData("F4908080")] // U+110000
    [InlineData("F8888080A8")] // five bytes
    [InlineData("80")] // continuation without a start
    [InlineData("C3")] // cut off
    [InlineData("E282")] // cut off
    [InlineData("61FF")]
    public void Ill_formed_UTF8_is_no_name_and_no_filter(string hex)
    {
        var bytes = Convert.FromHexString(hex);
        MqttTopic.IsValidName(bytes, allowDisallowedCodePoints: true).Should().BeFalse();
        MqttTopic.IsValidFilter(bytes, allowDisallowedCodePoints: true).Should().BeFalse();
    }

    [Theory]
    [InlineData("#")]
    [InlineData("+")]
    [InlineData("/#")]
    [InlineData("/+")]
    [InlineData("+/")]
    [InlineData("+/+/#")]
    [InlineData("sport/tennis/#")]
    [InlineData("sport/+/player1")]
    [InlineData("+/tennis/#")]
    [InlineData("a/b")]
    [InlineData("$share")]
    [InlineData("$share/+/x")] // a plain filter to 3.1.1
    public void Filters_may_have_wildcards_that_fill_a_level(string filter) => IsValidFilter(filter).Should().BeTrue();

    [Theory]
    [Spec(V5, "4.7.1-1")]
    [Spec(V311, "4.7.1-2")]
    [InlineData("sport/tennis#")]
    [InlineData("sport/tennis/#/ranking")]
    [InlineData("#/")]
    [InlineData("##")]
    [InlineData("#a")]
    [InlineData("a/#b")]
    [InlineData("+#")]
    public void The_multi_level_wildcard_stands_alone_in_the_last_level(string filter) => IsValidFilter(filter).Should().BeFalse();

    [Theory]
    [Spec(V5, "4.7.1-2")]
    [Spec(V311, "4.7.1-3")]
    [InlineData("sport+")]
    [InlineData("+sport")]
    [InlineData("a/+b")]
    [InlineData("a/b+/c")]
    [InlineData("++")]
    [InlineData("a/++")]
    public void The_single_level_wildcard_fills_its_level(string filter) => IsValidFilter(filter).Should().BeFalse();

    [Theory]
    [InlineData("$share/consumer1/sport/tennis/+", "consumer1", "sport/tennis/+")]
    [InlineData("$share/consumer2//finance", "consumer2", "/finance")]
    [InlineData("$share/g/#", "g", "#")]
    [InlineData("$share/größe/a", "größe", "a")]
    [InlineData("$share/g//", "g", "/")]
    [InlineData("$share/g/$SYS/#", "g", "$SYS/#")]
    public void A_shared_filter_is_taken_apart(string filter, string shareName, string innerFilter)
    {
        var bytes = Encoding.UTF8.GetBytes(filter);
        MqttTopic.IsShared(bytes).Should().BeTrue();
        MqttTopic.TryParseShared(bytes, out var name, out var inner).Should().BeTrue();
        Encoding.UTF8.GetString(name).Should().Be(shareName);
        Encoding.UTF8.GetString(inner).Should().Be(innerFilter);
    }

    [Theory]
    [Spec(V5, "4.8.2-1")]
    [InlineData("$share/")]
    [InlineData("$share//a")]
    [InlineData("$share//")]
    public void A_shared_filter_needs_a_name(string filter) => RefusedAsShared(filter);

    [Theory]
    [Spec(V5, "4.8.2-2")]
    [InlineData("$share/g")]
    [InlineData("$share/g/")]
    [InlineData("$share/+/a")]
    [InlineData("$share/#")]
    [InlineData("$share/g+/a")]
    [InlineData("$share/#g/a")]
    [InlineData("$share/g/a#")]
    [InlineData("$share/g/#/a")]
    public void A_shared_filter_needs_a_name_without_wildcards_and_a_filter_after_it(string filter) => RefusedAsShared(filter);

    [Theory]
    [InlineData("$share")]
    [InlineData("$SHARE/g/a")]
    [InlineData("a/$share/g/a")]
    [InlineData("share/g/a")]
    [InlineData("")]
    public void Other_filters_are_not_shared(string filter)
    {
        MqttTopic.IsShared(Encoding.UTF8.GetBytes(filter)).Should().BeFalse();
        MqttTopic.TryParseShared(Encoding.UTF8.GetBytes(filter), out _, out _).Should().BeFalse();
    }

    [Theory]
    [InlineData("a/+/b", true)]
    [InlineData("#", true)]
    [InlineData("a/b", false)]
    [InlineData("", false)]
    public void Wildcards_are_found(string filter, bool hasWildcard) => MqttTopic.HasWildcard(Encoding.UTF8.GetBytes(filter)).Should().Be(hasWildcard);

    private static void RefusedAsShared(string filter)
    {
        MqttTopic.IsShared(Encoding.UTF8.GetBytes(filter)).Should().BeTrue();
        MqttTopic.TryParseShared(Encoding.UTF8.GetBytes(filter), out _, out _).Should().BeFalse();
    }

    private static bool IsValidName(string topic) => MqttTopic.IsValidName(Encoding.UTF8.GetBytes(topic));

    private static bool IsValidFilter(string filter) => MqttTopic.IsValidFilter(Encoding.UTF8.GetBytes(filter));
}
