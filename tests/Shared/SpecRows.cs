using Xunit.v3;

namespace Mqtt.Tests;

/// <summary>Lets single rows of a theory say which statements of the standard they prove.</summary>
public static class SpecRows
{
    /// <summary>
    /// Tags a row: <c>new TheoryDataRow&lt;string&gt;("QoS 3").WithSpec(V5, "3.3.1-4")</c>. It takes effect only where the row's data
    /// can be serialised (a string, a number, an enum), so a table of cases hands its theory a case's name and looks the case up by it.
    /// </summary>
    public static TRow WithSpec<TRow>(this TRow row, SpecVersion version, params ReadOnlySpan<string> numbers)
        where TRow : TheoryDataRowBase
    {
        if (!row.Traits.TryGetValue(SpecAttribute.Trait, out var statements))
            row.Traits.Add(SpecAttribute.Trait, statements = []);

        foreach (var number in numbers)
            statements.Add(SpecAttribute.Statement(version, number));
        return row;
    }
}
