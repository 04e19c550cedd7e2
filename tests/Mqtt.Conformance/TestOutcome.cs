using System.Xml.Linq;

namespace Mqtt.Conformance;

/// <summary>What became of one test, as a result file of xUnit tells it.</summary>
/// <param name="Type">Full name of the test's class.</param>
/// <param name="Method">Name of the test's method.</param>
/// <param name="Name">The name shown to people; rows of a theory differ by it.</param>
/// <param name="Result">How it ended.</param>
/// <param name="Statements">The statements that it proves, each as <see cref="Statement.Key"/>.</param>
public sealed record TestOutcome(string Type, string Method, string Name, TestResult Result, IReadOnlyList<string> Statements)
{
    /// <summary>Reads all tests of a result file in xUnit's own XML format.</summary>
    public static IEnumerable<TestOutcome> ReadAll(XDocument results) => results.Descendants("test").Select(Read);

    private static TestOutcome Read(XElement test) => new(
        Text(test, "type"),
        Text(test, "method"),
        Text(test, "name").Replace("\\\"", "\"", StringComparison.Ordinal),
        Text(test, "result") switch { "Pass" => TestResult.Passed, "Fail" => TestResult.Failed, _ => TestResult.NotRun },
        [.. test.Elements("traits").Elements("trait").Where(trait => Text(trait, "name") == "Spec").Select(trait => Text(trait, "value"))]);

    private static string Text(XElement element, string attribute) =>
        element.Attribute(attribute)?.Value ?? throw new FormatException($"A <{element.Name}> of the test results has no {attribute}.");
}
