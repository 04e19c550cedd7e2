using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;

namespace Mqtt.Broker.Tests.Model;

/// <summary>
/// One thing that happens in a history. It prints as the line of C# that makes it, so that a history which failed can be pasted into a test.
/// A step that cannot happen (nobody is connected, nothing is owed) does nothing: any step may be left out of a history.
/// </summary>
internal abstract record Step
{
    /// <summary>How many bytes of what the client sends in this step reach the broker before the connection ends; if there are fewer, it ends after the step.</summary>
    public int? CutAfter { get; init; }

    public sealed override string ToString()
    {
        var name = $"new {GetType().Name}({string.Join(", ", Arguments(this))})";
        return CutAfter is { } bytes ? $"{name} {{ CutAfter = {bytes} }}" : name;
    }

    /// <summary>The step with one option less: the cut first, then each argument at its default; false if there are no more options.</summary>
    public bool TryMakePlainer(int option, [NotNullWhen(true)] out Step? plainer)
    {
        var parameters = ConstructorOf(this).GetParameters();
        plainer = option == 0 ? this with { CutAfter = null } : null;
        if (option == 0 || option > parameters.Length)
            return option == 0;
        var arguments = Array.ConvertAll(parameters, parameter => ValueOf(this, parameter));
        var plain = parameters[option - 1];
        if (plain.HasDefaultValue)
            arguments[option - 1] = Convert.ChangeType(plain.DefaultValue, plain.ParameterType, CultureInfo.InvariantCulture);
        plainer = (Step)ConstructorOf(this).Invoke(arguments) with { CutAfter = CutAfter };
        return true;
    }

    private static ConstructorInfo ConstructorOf(object made) =>
        made.GetType().GetConstructors(BindingFlags.Public | BindingFlags.Instance).MaxBy(one => one.GetParameters().Length)!;

    private static object? ValueOf(object made, ParameterInfo parameter) => made.GetType().GetProperty(parameter.Name!)!.GetValue(made);

    // Those that differ from their defaults.
    private static IEnumerable<string> Arguments(object made)
    {
        foreach (var parameter in ConstructorOf(made).GetParameters())
        {
            var value = ValueOf(made, parameter);
            if (!parameter.HasDefaultValue)
                yield return Text(value);
            else if (Text(value) != Text(parameter.DefaultValue))
                yield return $"{parameter.Name}: {Text(value)}";
        }
    }

    private static string Text(object? value) => value switch
    {
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        Will will => $"new Will({string.Join(", ", Arguments(will))})",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => "null",
    };
}

/// <summary>A client opens a connection and sends CONNECT; an older connection of its own stays, and is taken over.</summary>
/// <param name="Client">Which.</param>
/// <param name="Version">3, 4 or 5, as CONNECT has it.</param>
/// <param name="Clean">Clean Start or CleanSession.</param>
/// <param name="Expiry">Session expiry in seconds, 5.0 only.</param>
/// <param name="Window">Receive Maximum, 5.0 only.</param>
/// <param name="Aliases">Topic Alias Maximum, 5.0 only.</param>
/// <param name="Small">Maximum Packet Size is so small that large messages do not fit, 5.0 only.</param>
/// <param name="Will">The will.</param>
internal sealed record Connect(
    string Client, int Version = 5, bool Clean = false, long Expiry = 0, int Window = 100, int Aliases = 0, bool Small = false, Will? Will = null) : Step;

/// <summary>The will of a <see cref="Connect"/>; times in seconds, 5.0 only; an expiry of 0 is none.</summary>
internal sealed record Will(string Topic, int Payload, int QoS = 0, bool Retain = false, int Delay = 0, int Expiry = 0);

/// <summary>SUBSCRIBE; all but filter and QoS for 5.0 only.</summary>
internal sealed record Subscribe(
    string Client, string Filter, int QoS = 0, bool NoLocal = false, bool AsPublished = false, int Handling = 0, int Identifier = 0) : Step;

/// <summary>UNSUBSCRIBE.</summary>
internal sealed record Unsubscribe(string Client, string Filter) : Step;

/// <summary>PUBLISH. The payload is a number of its own, 0 for an empty one; an expiry or an alias of 0 is none.</summary>
internal sealed record Publish(string Client, string Topic, int Payload, int QoS = 0, bool Retain = false, int Expiry = 0, int Alias = 0) : Step;

/// <summary>A client sends so many of the acknowledgements that it owes, oldest first.</summary>
internal sealed record Acknowledge(string Client, int Count = 1) : Step;

/// <summary>DISCONNECT with a reason code and, unless it is negative, another session expiry; 5.0 only.</summary>
internal sealed record Disconnect(string Client, int Code = 0, int Expiry = -1) : Step;

/// <summary>The network breaks.</summary>
internal sealed record Cut(string Client) : Step;

/// <summary>The network breaks when so many more bytes have come from the broker.</summary>
internal sealed record CutReceiving(string Client, int Bytes) : Step;

/// <summary>Time passes: so many beats of the broker's clock, a tenth of a second each. All is exact to the beat.</summary>
internal sealed record Pass(int Beats) : Step;

/// <summary>The store commits so many writes.</summary>
internal sealed record Commit(int Writes) : Step;

/// <summary>The store commits so many writes, and the broker is gone; a new one begins over what was committed.</summary>
internal sealed record Crash(int Writes = 0) : Step;
