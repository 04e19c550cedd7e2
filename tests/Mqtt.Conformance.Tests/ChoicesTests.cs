using System.Text.RegularExpressions;

namespace Mqtt.Conformance.Tests;

/// <summary>docs/choices.md names for every choice the tests that show it. Each of them must be a test; a row without one says why.</summary>
public sealed partial class ChoicesTests
{
    private static readonly string[] Rows = [.. File.ReadLines(Repository.Path("docs", "choices.md")).Where(line => line.StartsWith("| ", StringComparison.Ordinal) && line != "| choice | shown by |")];

    [Fact]
    public void Every_test_that_is_named_exists()
    {
        var tests = ReadTests();

        Rows.SelectMany(Named).Distinct().Where(name => !tests.Contains(name)).Should().BeEmpty();
    }

    [Fact]
    public void Every_choice_is_shown_by_a_test_or_the_row_says_that_there_is_none()
    {
        Rows.Should().HaveCountGreaterThan(100);
        Rows.Where(row => !Named(row).Any() && !row.Contains("| there is no ")).Should().BeEmpty();
    }

    private static IEnumerable<string> Named(string row) => Name().Matches(row).Select(match => match.Groups["name"].Value);

    // By the classes that a file declares: a test belongs to the one that is declared in front of it, or around the one that is.
    private static HashSet<string> ReadTests()
    {
        var tests = new HashSet<string>();
        foreach (var file in Directory.EnumerateFiles(Repository.Path("tests"), "*Tests.cs", SearchOption.AllDirectories))
        {
            var text = File.ReadAllText(file);
            foreach (Match type in Declaration().Matches(text))
                tests.UnionWith(Test().Matches(text).Select(test => $"{type.Groups["name"].Value}.{test.Groups["name"].Value}"));
        }

        return tests;
    }

    [GeneratedRegex(@"`(?<name>[A-Z]\w*Tests\.\w+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"\bclass (?<name>\w+Tests)\b")]
    private static partial Regex Declaration();

    // What stands between [Fact] or [Theory] and the method are further attributes.
    [GeneratedRegex(@"\[(?:Fact|Theory)\b(?:[^;{}]|\{[^{}]*\})*?\bpublic (?:async )?(?:void|Task) (?<name>\w+)\(")]
    private static partial Regex Test();
}
