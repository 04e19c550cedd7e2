using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Mqtt.Server.Listeners;

/// <summary>The head of an HTTP request (RFC 9112, sections 2 to 5). Read strictly: what two readers could take differently is no head.</summary>
internal sealed class HttpRequestHead
{
    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private readonly List<(string Name, string Value)> fields = [];

    private HttpRequestHead(string method, string target, string version)
    {
        Method = method;
        Target = target;
        Version = version;
    }

    public string Method { get; }

    /// <summary>What is asked for, as it was written: visible ASCII.</summary>
    public string Target { get; }

    /// <summary>As in <c>HTTP/1.1</c>.</summary>
    public string Version { get; }

    /// <summary>Reads a head.</summary>
    /// <param name="bytes">All lines, without the empty one behind them.</param>
    /// <param name="head">What they say.</param>
    public static bool TryParse(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out HttpRequestHead? head)
    {
        var lines = Encoding.Latin1.GetString(bytes).Split("\r\n");
        head = ParseRequestLine(lines[0]);
        foreach (var line in lines.AsSpan(1))
        {
            if (head is null || !head.TryAddField(line))
                return false;
        }

        return head is not null;
    }

    /// <summary>The value of a field that stands there once; otherwise null.</summary>
    public string? Single(string name)
    {
        string? found = null;
        foreach (var value in Values(name))
        {
            if (found is not null)
                return null;
            found = value;
        }

        return found;
    }

    public bool Has(string name) => Values(name).Any();

    /// <summary>The members of a list, which may be spread over several fields.</summary>
    public IEnumerable<string> List(string name) =>
        Values(name).SelectMany(static value => value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    private IEnumerable<string> Values(string name) =>
        fields.Where(field => field.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(field => field.Value);

    private static HttpRequestHead? ParseRequestLine(string line)
    {
        var parts = line.Split(' ');
        return parts.Length == 3 && IsName(parts[0]) && parts[1].Length > 0 && !parts[1].AsSpan().ContainsAnyExceptInRange('!', '~') && IsVersion(parts[2])
            ? new HttpRequestHead(parts[0], parts[1], parts[2])
            : null;
    }

    private static bool IsVersion(string text) =>
        text.Length == 8 && text.StartsWith("HTTP/", StringComparison.Ordinal) && char.IsAsciiDigit(text[5]) && text[6] == '.' && char.IsAsciiDigit(text[7]);

    // A name ends at its colon, and a value does not go on in the next line.
    private bool TryAddField(string line)
    {
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0 || !IsName(line.AsSpan(0, colon)))
            return false;
        var value = line[(colon + 1)..].Trim(' ', '\t');
        if (value.Any(static one => char.IsControl(one) && one != '\t'))
            return false;
        fields.Add((line[..colon], value));
        return true;
    }

    private static bool IsName(ReadOnlySpan<char> text) => text.Length > 0 && !text.ContainsAnyExcept(NameCharacters);
}
