using System.Xml;
using System.Xml.Linq;
using Mqtt.Conformance;

// Mqtt.Conformance SPEC-FOLDER RESULTS-FOLDER REPORT [--check]
// Writes the report, or with --check says whether it is what the results give: exit code 0, 1 stale, 2 something is wrong.
if (args is not [var spec, var results, var report, .. var options] || options is not ([] or ["--check"]))
{
    Console.Error.WriteLine("usage: Mqtt.Conformance SPEC-FOLDER RESULTS-FOLDER REPORT [--check]");
    return 2;
}

try
{
    var fresh = new ConformanceReport([.. ReadStatements("5.0"), .. ReadStatements("3.1.1")], ReadOutcomes(), ReadReasons()).ToMarkdown();
    if (options is [])
    {
        File.WriteAllText(report, fresh);
        return 0;
    }

    return Compare(fresh, File.Exists(report) ? File.ReadAllText(report) : "");
}
catch (Exception e) when (e is FormatException or IOException or XmlException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

IReadOnlyList<Statement> ReadStatements(string edition)
{
    using var table = File.OpenText(Path.Combine(spec, $"statements-{edition}.tsv"));
    return Statement.ReadTable(edition, table);
}

// Why no test can show a statement: a line of headings, then edition and number, tab, reason.
IReadOnlyDictionary<string, string> ReadReasons() => File.ReadLines(Path.Combine(spec, "not-observable.tsv")).Skip(1)
    .Select(line => line.Split('\t') is [var key, var reason] ? (key, reason) : throw new FormatException($"not-observable.tsv has a line that is no reason: {line}"))
    .ToDictionary();

IReadOnlyList<TestOutcome> ReadOutcomes()
{
    var files = Directory.GetFiles(results, "*.xml");
    if (files.Length == 0)
        throw new FormatException($"There are no test results in {results}.");
    return [.. files.SelectMany(file => TestOutcome.ReadAll(XDocument.Load(file)))];
}

static int Compare(string fresh, string stored)
{
    if (fresh == stored)
        return 0;

    Console.Error.WriteLine("docs/conformance.md is stale: run ./test.sh --update and commit it. First differences:");
    var (before, now) = (stored.Split('\n'), fresh.Split('\n'));
    foreach (var line in before.Except(now).Take(5))
        Console.Error.WriteLine($"  - {Cut(line)}");
    foreach (var line in now.Except(before).Take(5))
        Console.Error.WriteLine($"  + {Cut(line)}");
    return 1;

    static string Cut(string line) => line.Length <= 160 ? line : line[..160] + " ...";
}
