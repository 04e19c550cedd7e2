namespace Mqtt.Conformance;

/// <summary>One numbered normative statement of the standard.</summary>
/// <param name="Edition"><c>5.0</c> or <c>3.1.1</c>: 121 numbers stand in both, often with different meanings.</param>
/// <param name="Number">The number as the standard prints it: <c>MQTT-3.3.1-4</c>.</param>
/// <param name="Text">What it demands, in the words of the standard.</param>
public sealed record Statement(string Edition, string Number, string Text)
{
    /// <summary>What tests write in their trait <c>Spec</c>: <c>5.0/MQTT-3.3.1-4</c>.</summary>
    public string Key => $"{Edition}/{Number}";

    /// <summary>Reads a table of <c>tests/spec</c>: a line of headings, then number, tab and text.</summary>
    /// <exception cref="FormatException">A line has another form, or a number stands there twice.</exception>
    public static IReadOnlyList<Statement> ReadTable(string edition, TextReader table)
    {
        var statements = new List<Statement>();
        var seen = new HashSet<string>();
        table.ReadLine();

        while (table.ReadLine() is { } line)
        {
            if (line.Split('\t') is not [var number, var text] || !seen.Add(number))
                throw new FormatException($"The statement table of MQTT {edition} has a line that is no new statement: {line}");

            statements.Add(new Statement(edition, number, text));
        }

        return statements;
    }
}
