namespace Mqtt.Conformance.Tests;

public class ConformanceReportTests
{
    private static readonly Statement First = new("5.0", "MQTT-1.0.0-1", "The first MUST hold.");
    private static readonly Statement Second = new("5.0", "MQTT-1.0.0-2", "The second MUST hold.");
    private static readonly Statement Older = new("3.1.1", "MQTT-1.0.0-1", "Quite another MUST hold.");
    private static readonly Statement[] AllStatements = [First, Second, Older];

    [Fact]
    public void A_statement_is_proven_once_a_test_of_it_passed_and_none_failed()
    {
        var report = Report(Test("A", TestResult.Passed, First), Test("B", TestResult.NotRun, First));

        report.ResultOf(First).Should().Be(TestResult.Passed);
    }

    [Fact]
    public void One_failing_test_outweighs_those_that_pass()
    {
        var report = Report(Test("A", TestResult.Passed, First), Test("B", TestResult.Failed, First));

        report.ResultOf(First).Should().Be(TestResult.Failed);
    }

    [Fact]
    public void A_statement_whose_tests_were_all_skipped_is_not_proven()
    {
        Report(Test("A", TestResult.NotRun, First)).ResultOf(First).Should().Be(TestResult.NotRun);
    }

    [Fact]
    public void The_same_number_of_the_other_edition_is_another_statement()
    {
        Report(Test("A", TestResult.Passed, Older)).ResultOf(First).Should().Be(TestResult.NotRun);
    }

    [Fact]
    public void The_report_counts_and_lists_every_statement_in_order()
    {
        var markdown = Report(Test("Proves_it", TestResult.Passed, First), Test("Breaks_it", TestResult.Failed, Older)).ToMarkdown();

        Lines(markdown).Where(line => line.StartsWith("| MQTT")).Should().Equal(
            "| MQTT 5.0 | 2 | 1 | 0 | 0 | 1 | 0 |",
            "| MQTT 3.1.1 | 1 | 0 | 0 | 1 | 0 | 0 |",
            "| MQTT-1.0.0-1 | pass, parts | The first MUST hold. | `CodecTests.Proves_it` |",
            "| MQTT-1.0.0-2 | not yet proven | The second MUST hold. |  |",
            "| MQTT-1.0.0-1 | **fail** | Quite another MUST hold. | `CodecTests.Breaks_it` |");
    }

    [Fact]
    public void A_statement_that_a_running_broker_proves_is_told_from_one_that_parts_prove()
    {
        var running = Test("Runs", TestResult.Passed, First) with { Type = "Mqtt.Broker.Tests.RunTests" };

        var markdown = Report(running, Test("Codec", TestResult.Passed, First, Second)).ToMarkdown();

        Lines(markdown).Where(line => line.StartsWith("| MQTT")).Take(4).Should().Equal(
            "| MQTT 5.0 | 2 | 2 | 1 | 0 | 0 | 0 |",
            "| MQTT 3.1.1 | 1 | 0 | 0 | 0 | 1 | 0 |",
            "| MQTT-1.0.0-1 | pass | The first MUST hold. | `RunTests.Runs`<br>`CodecTests.Codec` |",
            "| MQTT-1.0.0-2 | pass, parts | The second MUST hold. | `CodecTests.Codec` |");
    }

    [Fact]
    public void A_statement_that_no_test_can_show_is_listed_with_the_reason()
    {
        var report = new ConformanceReport(AllStatements, [Test("Proves_it", TestResult.Passed, First)], new Dictionary<string, string> { [Second.Key] = "Nobody sees it." });

        Lines(report.ToMarkdown()).Where(line => line.StartsWith("| MQTT")).Take(4).Should().Equal(
            "| MQTT 5.0 | 2 | 1 | 0 | 0 | 0 | 1 |",
            "| MQTT 3.1.1 | 1 | 0 | 0 | 0 | 1 | 0 |",
            "| MQTT-1.0.0-1 | pass, parts | The first MUST hold. | `CodecTests.Proves_it` |",
            "| MQTT-1.0.0-2 | not observable | The second MUST hold. | Nobody sees it. |");
    }

    [Fact]
    public void A_reason_for_what_a_test_proves_or_the_standard_does_not_say_is_refused()
    {
        foreach (var key in (string[])[First.Key, "5.0/MQTT-9.9.9-9"])
        {
            var report = () => new ConformanceReport(AllStatements, [Test("Proves_it", TestResult.Passed, First)], new Dictionary<string, string> { [key] = "" });

            report.Should().Throw<FormatException>().WithMessage($"*{key}*");
        }
    }

    [Fact]
    public void The_report_does_not_depend_on_the_order_in_which_the_tests_ran()
    {
        TestOutcome[] tests = [Test("B", TestResult.Passed, First), Test("A", TestResult.Passed, First), Row("C", "2", First), Row("C", "1", First), Row("C", "3")];

        Report([.. tests.Reverse()]).ToMarkdown().Should().Be(Report(tests).ToMarkdown());
    }

    [Fact]
    public void Rows_of_a_theory_are_named_only_if_not_all_of_them_prove_the_statement()
    {
        var markdown = Report(Row("All", "1", First), Row("All", "2", First), Row("Some", "1", Second), Row("Some", "2")).ToMarkdown();

        markdown.Should().Contain("| `CodecTests.All` |").And.Contain("| `CodecTests.Some`: 1 |");
    }

    [Fact]
    public void Of_many_rows_some_are_named_and_the_others_counted()
    {
        var rows = Enumerable.Range(1, 5).Select(row => Row("Some", $"{row}", Second));

        Report([.. rows, Row("Some", "6")]).ToMarkdown().Should()
            .Contain("| `CodecTests.Some`: 1, 2 and 3 more |");
    }

    [Fact]
    public void A_long_statement_is_cut_between_two_words()
    {
        var statement = First with { Text = string.Join(' ', Enumerable.Repeat("word", 100)) };

        var row = Lines(new ConformanceReport([statement], []).ToMarkdown()).Single(line => line.StartsWith("| MQTT-"));

        row.Should().EndWith("word word ... |  |").And.Match(line => line.Length < 250);
    }

    [Fact]
    public void What_would_break_the_table_is_escaped()
    {
        var statement = First with { Text = "a|b <c> *d*" };

        new ConformanceReport([statement], []).ToMarkdown().Should().Contain(@"| a\|b &lt;c> \*d\* |");
    }

    [Fact]
    public void A_test_of_a_statement_that_the_standard_does_not_have_is_an_error()
    {
        var unknown = First with { Number = "MQTT-9.9.9-9" };

        var report = () => Report(Test("A", TestResult.Passed, unknown));

        report.Should().Throw<FormatException>().WithMessage("*5.0/MQTT-9.9.9-9 in Space.CodecTests.A*");
    }

    private static ConformanceReport Report(params TestOutcome[] tests) => new(AllStatements, tests);

    private static TestOutcome Test(string method, TestResult result, params Statement[] statements) =>
        new("Space.CodecTests", method, $"Space.CodecTests.{method}", result, [.. statements.Select(statement => statement.Key)]);

    private static TestOutcome Row(string method, string name, params Statement[] statements) =>
        Test(method, TestResult.Passed, statements) with { Name = $"Space.CodecTests.{method}(name: \"{name}\")" };

    private static string[] Lines(string markdown) => markdown.Split('\n');
}
