using System.Text.RegularExpressions;

namespace Mqtt.Architecture.Tests;

/// <summary>What is logged has numbers that people filter by; docs/logging.md lists them.</summary>
public partial class LogTests
{
    private static IReadOnlyList<Match> Messages { get; } =
    [
        .. Directory.GetFiles(Repository.Path("src"), "*Log.cs", SearchOption.AllDirectories)
            .SelectMany(file => Message().Matches(File.ReadAllText(file)))
            .OrderBy(message => int.Parse(message.Groups["id"].Value)),
    ];

    [Fact]
    public void The_documentation_lists_every_event_with_its_number_level_and_text()
    {
        var rows = File.ReadLines(Repository.Path("docs", "logging.md")).Where(line => line.Length > 2 && char.IsDigit(line[2]));

        rows.Should().Equal(Messages.Select(message => $"| {message.Groups["id"]} | {message.Groups["level"]} | {message.Groups["text"]} |"));
    }

    [Fact]
    public void No_two_events_have_the_same_number() => Messages.Select(message => message.Groups["id"].Value).Should().OnlyHaveUniqueItems().And.NotBeEmpty();

    [GeneratedRegex("""\[LoggerMessage\((?<id>\d+), LogLevel\.(?<level>\w+), "(?<text>[^"]*)"\)\]""")]
    private static partial Regex Message();
}
