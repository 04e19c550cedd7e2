using System.Text;
using System.Text.RegularExpressions;

namespace Mqtt.Conformance;

/// <summary>
/// Brings the statements of the standard and the results of the tests together and writes them down as Markdown. The same results give
/// the same text, whatever the order, the machine and the time: a stale file can be told from a fresh one by comparing.
/// </summary>
public sealed partial class ConformanceReport
{
    private const int ShortTextLength = 200;
    private const int RowsNamed = 2;

    // Their tests have a whole broker or server at the other end; those of all others codec, delivery rules, channels or the client alone.
    private static readonly string[] WholeProjects = ["Mqtt.Broker.Tests.", "Mqtt.Server.Tests.", "Mqtt.EndToEnd.Tests.", "Mqtt.Interop.Tests."];

    private readonly IReadOnlyList<Statement> statements;
    private readonly ILookup<(string Type, string Method), TestOutcome> methods;
    private readonly ILookup<string, TestOutcome> proofs;
    private readonly IReadOnlyDictionary<string, string> unobservable;

    /// <summary>Prepares a report.</summary>
    /// <param name="statements">Every statement, in the order of the standard.</param>
    /// <param name="outcomes">Every test that ran, whether it names a statement or not.</param>
    /// <param name="unobservable">Why no test can show a statement, by its key. Default: none.</param>
    /// <exception cref="FormatException">A test or reason names a statement that the standard does not have, or a reason one that a test proves.</exception>
    public ConformanceReport(IReadOnlyList<Statement> statements, IReadOnlyList<TestOutcome> outcomes, IReadOnlyDictionary<string, string>? unobservable = null)
    {
        this.statements = statements;
        this.unobservable = unobservable ?? new Dictionary<string, string>();
        methods = outcomes.ToLookup(outcome => (outcome.Type, outcome.Method));
        proofs = outcomes
            .SelectMany(outcome => outcome.Statements.Distinct().Select(key => (Key: key, Outcome: outcome)))
            .ToLookup(proof => proof.Key, proof => proof.Outcome);

        RefuseUnknownStatements();
        RefuseNeedlessReasons();
    }

    /// <summary>What the tests say about a statement: failed if any test of it failed, proven if one passed, else not proven.</summary>
    public TestResult ResultOf(Statement statement)
    {
        var results = proofs[statement.Key].Select(outcome => outcome.Result).ToHashSet();
        if (results.Contains(TestResult.Failed))
            return TestResult.Failed;
        return results.Contains(TestResult.Passed) ? TestResult.Passed : TestResult.NotRun;
    }

    /// <summary>True if a test that passed proves a statement against a running broker or server, and not only a part of one.</summary>
    public bool IsProvenRunning(Statement statement) => ResultOf(statement) == TestResult.Passed
        && proofs[statement.Key].Any(outcome => outcome.Result == TestResult.Passed && WholeProjects.Any(project => outcome.Type.StartsWith(project, StringComparison.Ordinal)));

    /// <summary>The whole report.</summary>
    public string ToMarkdown()
    {
        var text = new StringBuilder();
        text.Append("# Conformance\n\n");
        text.Append("Every numbered normative statement of the two standards with the tests that prove it. ");
        text.Append("`./test.sh --update` writes this file from test results; `./test.sh` fails if it is stale.\n");
        text.Append("*pass* means against a running broker or server, *pass, parts* by tests of codec, delivery rules, channels or client alone.\n");
        text.Append("The statements are quoted from the standards of OASIS, shortened; see [tests/spec/NOTICE](../tests/spec/NOTICE).\n\n");

        AppendSummary(text);
        foreach (var edition in statements.GroupBy(statement => statement.Edition))
            AppendEdition(text, edition);
        return text.ToString();
    }

    private void RefuseUnknownStatements()
    {
        var known = statements.Select(statement => statement.Key).ToHashSet();
        var unknown = proofs
            .Where(proof => !known.Contains(proof.Key))
            .Select(proof => $"{proof.Key} in {proof.Select(outcome => $"{outcome.Type}.{outcome.Method}").Min(StringComparer.Ordinal)}")
            .Order(StringComparer.Ordinal)
            .ToList();

        if (unknown.Count > 0)
            throw new FormatException($"The standard has no such statement: {string.Join("; ", unknown)}");
    }

    private void RefuseNeedlessReasons()
    {
        var known = statements.Select(statement => statement.Key).ToHashSet();
        if (unobservable.Keys.FirstOrDefault(key => !known.Contains(key)) is { } unknown)
            throw new FormatException($"The standard has no such statement: {unknown} among those that cannot be observed");
        if (unobservable.Keys.FirstOrDefault(proofs.Contains) is { } needless)
            throw new FormatException($"{needless} is said to be not observable, and a test names it");
    }

    private void AppendSummary(StringBuilder text)
    {
        text.Append("| standard | statements | proven | running | failing | not yet proven | not observable |\n|---|---:|---:|---:|---:|---:|---:|\n");
        foreach (var edition in statements.GroupBy(statement => statement.Edition))
        {
            var counts = edition.CountBy(ResultOf).ToDictionary();
            var hidden = edition.Count(statement => unobservable.ContainsKey(statement.Key));
            text.Append($"| MQTT {edition.Key} | {edition.Count()} | {Count(TestResult.Passed)} | {edition.Count(IsProvenRunning)} | {Count(TestResult.Failed)} | {Count(TestResult.NotRun) - hidden} | {hidden} |\n");

            int Count(TestResult result) => counts.GetValueOrDefault(result);
        }
    }

    private void AppendEdition(StringBuilder text, IGrouping<string, Statement> edition)
    {
        text.Append($"\n## MQTT {edition.Key}\n\n| statement | result | it says | tests |\n|---|---|---|---|\n");
        foreach (var statement in edition)
        {
            var tests = string.Join("<br>", NamesOfTests(statement));
            if (unobservable.TryGetValue(statement.Key, out var reason))
            {
                text.Append($"| {statement.Number} | not observable | {Shorten(statement.Text)} | {EscapeCell(reason)} |\n");
                continue;
            }

            text.Append($"| {statement.Number} | {Word(statement)} | {Shorten(statement.Text)} | {tests} |\n");
        }
    }

    IEnumerable<string> NamesOfTests(Statement statement) =>
        from outcome in proofs[statement.Key]
        group outcome by (outcome.Type, outcome.Method) into method
        orderby $"{method.Key.Type}.{method.Key.Method}" ascending
        select NameOfTest(method.Key, [.. method]);

    /// <summary>A method's name, and those of its rows only if not all of them prove the statement.</summary>
    private string NameOfTest((string Type, string Method) method, IReadOnlyList<TestOutcome> tests)
    {
        var name = $"`{method.Type[(method.Type.LastIndexOf('.') + 1)..]}.{method.Method}`";
        if (tests.Count == methods[method].Count())
            return name;

        var rows = tests.Select(NameOfRow).Order(StringComparer.Ordinal).ToList();
        var more = rows.Count > RowsNamed ? $" and {rows.Count - RowsNamed} more" : "";
        return $"{name}: {string.Join(", ", rows.Take(RowsNamed))}{more}";
    }

    /// <summary>What tells a row from the others: the text that a theory of one text was given, or all its arguments.</summary>
    private static string NameOfRow(TestOutcome outcome)
    {
        var prefix = $"{outcome.Type}.{outcome.Method}";
        var row = outcome.Name.StartsWith(prefix, StringComparison.Ordinal) ? outcome.Name[prefix.Length..].Trim('(', ')') : outcome.Name;
        return EscapeCell(OneText().Replace(row, "${text}"));
    }

    private static string Shorten(string text)
    {
        if (text.Length <= ShortTextLength)
            return EscapeCell(text);
        return EscapeCell(text[..text.LastIndexOf(' ', ShortTextLength)]) + " ...";
    }

    private static string EscapeCell(string text) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("|", "\\|", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace("*", "\\*", StringComparison.Ordinal)
        .Replace("\n", " ", StringComparison.Ordinal);

    private string Word(Statement statement) => ResultOf(statement) switch
    {
        TestResult.Passed => IsProvenRunning(statement) ? "pass" : "pass, parts",
        TestResult.Failed => "**fail**",
        _ => "not yet proven",
    };

    [GeneratedRegex("^\\w+: \"(?<text>[^\"]*)\"$")]
    private static partial Regex OneText();
}
