using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Tests;

public class FlagSetTests
{
    private readonly List<string> seen = [];

    private FlagSet Flags => new()
    {
        { "port", 'p', "PORT", "a number", value => seen.Add($"port={Values.Number(value, 1, 9)}") },
        { "topic", 't', "TOPIC", "a text", value => seen.Add($"topic={value}") },
        { "retain", 'r', "a switch", () => seen.Add("retain") },
        { "verbose", 'v', "a switch", () => seen.Add("verbose") },
        { "long-only", "VALUE", "no letter", value => seen.Add($"long={value}") },
    };

    [Theory]
    [InlineData("--port 7", "port=7")]
    [InlineData("--port=7", "port=7")]
    [InlineData("-p 7", "port=7")]
    [InlineData("-p7", "port=7")]
    [InlineData("-r -v", "retain,verbose")]
    [InlineData("-rv", "retain,verbose")]
    [InlineData("-rp 7", "retain,port=7")]
    [InlineData("-rp7", "retain,port=7")]
    [InlineData("--long-only=a=b", "long=a=b")]
    [InlineData("--topic=", "topic=")]
    [InlineData("-t -v", "topic=-v")]
    [InlineData("-t --port", "topic=--port")]
    [InlineData("-t a -t b", "topic=a,topic=b")]
    [InlineData("", "")]
    public void Values_reach_their_flags_in_order(string line, string expected)
    {
        Flags.Read(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        string.Join(',', seen).Should().Be(expected);
    }

    [Theory]
    [InlineData("--nothing", "unknown flag --nothing")]
    [InlineData("--por 7", "unknown flag --por")]
    [InlineData("-x", "unknown flag -x")]
    [InlineData("-rx", "unknown flag -x")]
    [InlineData("-p", "-p needs a value")]
    [InlineData("--port", "--port needs a value")]
    [InlineData("--retain=yes", "--retain takes no value")]
    [InlineData("-p ten", "-p ten: a number from 1 to 9 is expected")]
    [InlineData("--port=10", "--port 10: a number from 1 to 9 is expected")]
    [InlineData("stray", "'stray' is not expected here")]
    [InlineData("-", "'-' is not expected here")]
    public void What_is_wrong_is_named(string line, string complaint)
    {
        var read = () => Flags.Read(line.Split(' '));

        read.Should().Throw<UsageException>().WithMessage(complaint);
    }
}
