using System.Globalization;
using System.Numerics;

namespace Mqtt.Hosting;

/// <summary>
/// Reads one section of the configuration, value by value. It remembers what it was asked for: a key that nobody asked for is told, since it is mostly a
/// misspelt one.
/// </summary>
internal sealed class SettingsReader(IConfigurationSection section)
{
    private const string Off = "off";

    private readonly HashSet<string> known = new(StringComparer.OrdinalIgnoreCase);

    public string? Text(string key)
    {
        known.Add(key);
        return section[key];
    }

    public bool Flag(string key, bool otherwise) =>
        Text(key) is not { } text ? otherwise : bool.TryParse(text, out var value) ? value : throw Wrong(key, text, "true or false");

    public T Number<T>(string key, T otherwise)
        where T : struct, INumber<T> => Number(key, (T?)otherwise) ?? throw Wrong(key, Off, "a whole number");

    /// <summary>A number, or <c>off</c> where there need not be one.</summary>
    public T? Number<T>(string key, T? otherwise)
        where T : struct, INumber<T>
    {
        if (Text(key) is not { } text)
            return otherwise;
        if (IsOff(text))
            return null;
        return T.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var value) ? value : throw Wrong(key, text, "a whole number, or off");
    }

    public TimeSpan Time(string key, TimeSpan otherwise) => Time(key, (TimeSpan?)otherwise) ?? throw Wrong(key, Off, "a time such as 00:01:30");

    /// <summary>A time, or <c>off</c> where there need not be one. A bare number would be read as days, which nobody means.</summary>
    public TimeSpan? Time(string key, TimeSpan? otherwise)
    {
        if (Text(key) is not { } text)
            return otherwise;
        return IsOff(text) ? null : Time(key, text);
    }

    /// <summary>The times below a key, in their order; <see langword="null"/> if there is no such key.</summary>
    public IReadOnlyList<TimeSpan>? Times(string key) => List(key) is { } list ? [.. list.Select(text => Time(key, text))] : null;

    public T Choice<T>(string key, T otherwise)
        where T : struct, Enum =>
        Text(key) is not { } text
            ? otherwise
            : Enum.TryParse<T>(text, ignoreCase: true, out var value) && Enum.IsDefined(value)
                ? value
                : throw Wrong(key, text, "one of " + string.Join(", ", Enum.GetNames<T>()));

    public Uri Address(string key, Uri otherwise) => Text(key) is { } text ? Address(key, text) : otherwise;

    public IReadOnlyList<Uri> Addresses(string key, IReadOnlyList<Uri> otherwise) => List(key) is { } list ? [.. list.Select(text => Address(key, text))] : otherwise;

    public MqttProtocolVersion Version(string key, MqttProtocolVersion otherwise) => OneOf(key, otherwise, new()
    {
        ["3.1"] = MqttProtocolVersion.V310,
        ["3.1.1"] = MqttProtocolVersion.V311,
        ["5.0"] = MqttProtocolVersion.V500,
    });

    /// <summary>One of several things, by its name.</summary>
    public T OneOf<T>(string key, T otherwise, Dictionary<string, T> choices)
    {
        if (Text(key) is not { } text)
            return otherwise;
        var name = choices.Keys.FirstOrDefault(name => name.Equals(text, StringComparison.OrdinalIgnoreCase)) ?? throw Wrong(key, text, "one of " + string.Join(", ", choices.Keys));
        return choices[name];
    }

    /// <summary>The values below a key, in their order; <see langword="null"/> if there is no such key.</summary>
    public IReadOnlyList<string>? List(string key)
    {
        known.Add(key);
        var list = section.GetSection(key);
        if (!list.Exists())
            return null;
        return [.. list.GetChildren().Select(item => item.Value ?? throw Wrong(item.Key, "", "a list of texts"))];
    }

    /// <summary>The values below a key by their names; <see langword="null"/> if there is no such key.</summary>
    public IReadOnlyDictionary<string, string>? Texts(string key)
    {
        known.Add(key);
        var all = section.GetSection(key);
        return all.Exists() ? all.GetChildren().ToDictionary(item => item.Key, item => item.Value ?? throw Wrong($"{key}:{item.Key}", "", "a text")) : null;
    }

    /// <summary>What stands below a key; <see langword="null"/> if there is no such key.</summary>
    public SettingsReader? Section(string key)
    {
        known.Add(key);
        var below = section.GetSection(key);
        return below.Exists() ? new SettingsReader(below) : null;
    }

    /// <summary>Every key must be one that was asked for.</summary>
    /// <exception cref="InvalidOperationException">There is another one; the message names it.</exception>
    public void RequireNothingElse()
    {
        if (section.GetChildren().FirstOrDefault(child => !known.Contains(child.Key)) is { } stranger)
            throw new InvalidOperationException($"The configuration has {stranger.Path}, which means nothing here. Known are {string.Join(", ", known.Order())}.");
    }

    private TimeSpan Time(string key, string text)
    {
        if (text.Equals("infinite", StringComparison.OrdinalIgnoreCase))
            return Timeout.InfiniteTimeSpan;
        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw Wrong(key, text, "a time such as 00:01:30, or infinite, or off");
    }

    private Uri Address(string key, string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var value) ? value : throw Wrong(key, text, "an address such as mqtt://host:1883");

    private static bool IsOff(string text) => text.Equals(Off, StringComparison.OrdinalIgnoreCase);

    private InvalidOperationException Wrong(string key, string text, string expected) =>
        new($"The configuration has {section.Path}:{key} = '{text}', which should be {expected}.");
}
