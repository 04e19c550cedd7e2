using System.Globalization;
using System.Text.RegularExpressions;

namespace Mqtt.Architecture.Tests;

/// <summary>
/// docs/features.md says by which members and tests every feature is shown: what stands there between backticks must exist. A name that ends with an
/// ellipsis is the beginning of one; what has a sign that no name has (a path, a topic, a flag) is not looked at.
/// </summary>
public sealed partial class FeaturesTests
{
    private static readonly string Text = File.ReadAllText(Repository.Path("docs", "features.md"));

    [Fact]
    public void Every_name_is_that_of_a_type_a_member_or_a_test()
    {
        var types = ReadTypes();
        var words = types.Values.SelectMany(names => names).ToHashSet();

        var unknown = Name().Matches(Text).Select(match => match.Groups["name"].Value).Where(name => !IsKnown(name.Split('.'), types, words));

        unknown.Distinct().Should().BeEmpty();
    }

    [Theory]
    [InlineData("P", 40)]
    [InlineData("S", 30)]
    [InlineData("K", 50)]
    [InlineData("L", 16)]
    [InlineData("Y", 16)]
    public void Every_row_is_there(string section, int count)
    {
        var rows = Text.Split('\n').Where(line => line.StartsWith($"| {section}", StringComparison.Ordinal)).SelectMany(Numbers).ToHashSet();

        rows.Should().BeEquivalentTo(Enumerable.Range(1, count));
    }

    // The last part is a word of a file that declares the type before it, or of any file if there is none; namespaces are passed over.
    private static bool IsKnown(string[] parts, Dictionary<string, HashSet<string>> types, HashSet<string> words)
    {
        var within = parts.Length > 1 && types.TryGetValue(parts[^2], out var members) ? members : parts is ["Mqtt", ..] or [_] ? words : null;
        var last = parts[^1];
        return within is not null && (last.EndsWith('…') ? within.Any(word => word.StartsWith(last[..^1], StringComparison.Ordinal)) : within.Contains(last));
    }

    // For each type the words of all files that declare it.
    private static Dictionary<string, HashSet<string>> ReadTypes()
    {
        var types = new Dictionary<string, HashSet<string>>();
        var files = new[] { "src", "tests", "benchmarks" }.SelectMany(folder => Directory.GetFiles(Repository.Path(folder), "*.cs", SearchOption.AllDirectories));
        foreach (var text in files.Select(File.ReadAllText))
        {
            var words = Word().Matches(text).Select(match => match.Value).ToList();
            foreach (Match type in Declaration().Matches(text))
            {
                if (!types.TryGetValue(type.Groups["type"].Value, out var names))
                    types.Add(type.Groups["type"].Value, names = []);
                names.UnionWith(words);
            }
        }

        return types;
    }

    // The numbers of a row: "| P4, P5 ... |", "| Y1 to Y14 |".
    private static IEnumerable<int> Numbers(string line)
    {
        var numbers = Row().Matches(line.Split('|')[1]).Select(match => int.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture)).ToList();
        return line.Contains(" to ", StringComparison.Ordinal) && numbers is [var first, var last, ..] && RangeOfRows().IsMatch(line) ? Enumerable.Range(first, last - first + 1) : numbers;
    }

    [GeneratedRegex(@"`(?<name>[A-Z]\w*(\.\w+)*…?)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"\b(?:class|record|record struct|struct|interface|enum|delegate) (?<type>[A-Z]\w*)")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Word();

    [GeneratedRegex(@"\b[PSKLY](?<number>\d+)\b")]
    private static partial Regex Row();

    [GeneratedRegex(@"^\| [PSKLY]\d+ to [PSKLY]\d+")]
    private static partial Regex RangeOfRows();
}
