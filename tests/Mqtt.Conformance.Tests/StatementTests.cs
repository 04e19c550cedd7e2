namespace Mqtt.Conformance.Tests;

public class StatementTests
{
    [Theory]
    [InlineData("5.0", 251)]
    [InlineData("3.1.1", 141)]
    public void The_table_of_each_edition_holds_every_statement_of_it(string edition, int count)
    {
        using var table = File.OpenText(Repository.Path("tests", "spec", $"statements-{edition}.tsv"));

        var statements = Statement.ReadTable(edition, table);

        statements.Should().HaveCount(count);
        statements.Should().OnlyContain(statement => statement.Number.StartsWith("MQTT-") && statement.Text.Length > 10);
    }

    [Theory]
    [InlineData("MQTT-1.0.0-1\tOne.\nMQTT-1.0.0-1\tOnce more.")]
    [InlineData("MQTT-1.0.0-1 no tab")]
    public void A_line_that_is_no_new_statement_is_refused(string lines)
    {
        var read = () => Statement.ReadTable("5.0", new StringReader("id\tstatement\n" + lines));

        read.Should().Throw<FormatException>().WithMessage("*MQTT-1.0.0-1*");
    }

    [Theory]
    [InlineData(V5, "3.3.1-4", "5.0/MQTT-3.3.1-4")]
    [InlineData(V311, "3.3.1-4", "3.1.1/MQTT-3.3.1-4")]
    public void A_test_names_a_statement_as_the_table_does(SpecVersion version, string number, string key)
    {
        var edition = version == V5 ? "5.0" : "3.1.1";

        SpecAttribute.Statement(version, number).Should().Be(key);
        new Statement(edition, $"MQTT-{number}", "Text").Key.Should().Be(key);
    }
}
