using System.Collections;

namespace Mqtt.Tool.CommandLine;

/// <summary>
/// The flags of one command. Reads <c>--port 1883</c>, <c>--port=1883</c>, <c>-p 1883</c>, <c>-p1883</c> and several switches in one
/// word (<c>-rd</c>). A value is taken as it stands, even if it begins with a dash, as mosquitto's tools do.
/// </summary>
internal sealed class FlagSet : IEnumerable<Flag>
{
    private readonly List<Flag> flags = [];

    /// <summary>Takes a word that stands by itself; throws <see cref="FormatException"/> if it is wrong. Default: none is expected.</summary>
    public Action<string>? Word { get; set; }

    /// <summary>Adds a flag that takes a value.</summary>
    public void Add(string name, char letter, string value, string help, Action<string> apply) => flags.Add(new Flag(name, letter, value, help, apply));

    /// <summary>Adds a flag that takes a value and has no letter.</summary>
    public void Add(string name, string value, string help, Action<string> apply) => Add(name, '\0', value, help, apply);

    /// <summary>Adds a switch.</summary>
    public void Add(string name, char letter, string help, Action apply) => flags.Add(new Flag(name, letter, null, help, _ => apply()));

    /// <summary>Adds a switch that has no letter.</summary>
    public void Add(string name, string help, Action apply) => Add(name, '\0', help, apply);

    public IEnumerator<Flag> GetEnumerator() => flags.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Hands each flag its value, in the order of the words.</summary>
    /// <exception cref="UsageException">A flag is unknown, or its value is missing, not wanted or wrong.</exception>
    public void Read(ReadOnlySpan<string> words)
    {
        for (var at = 0; at < words.Length; at++)
        {
            var word = words[at];
            if (word.StartsWith("--", StringComparison.Ordinal))
                ReadLong(word, words, ref at);
            else if (word.Length > 1 && word[0] == '-')
                ReadShort(word, words, ref at);
            else if (Word is not null)
                Apply(Word, word, "");
            else
                throw new UsageException($"'{word}' is not expected here");
        }
    }

    private void ReadLong(string word, ReadOnlySpan<string> words, ref int at)
    {
        var equals = word.IndexOf('=', StringComparison.Ordinal);
        var name = equals < 0 ? word : word[..equals];
        var flag = flags.Find(flag => flag.Name == name[2..]) ?? throw new UsageException($"unknown flag {name}");
        if (flag.Value is not null)
            Apply(flag.Apply, equals < 0 ? Next(name, words, ref at) : word[(equals + 1)..], $"{name} ");
        else if (equals < 0)
            Apply(flag.Apply, "", name);
        else
            throw new UsageException($"{name} takes no value");
    }

    private void ReadShort(string word, ReadOnlySpan<string> words, ref int at)
    {
        for (var letter = 1; letter < word.Length; letter++)
        {
            var name = $"-{word[letter]}";
            var flag = flags.Find(flag => flag.Letter == name[1]) ?? throw new UsageException($"unknown flag {name}");
            if (flag.Value is null)
            {
                Apply(flag.Apply, "", name);
                continue;
            }

            Apply(flag.Apply, letter + 1 < word.Length ? word[(letter + 1)..] : Next(name, words, ref at), $"{name} ");
            return;
        }
    }

    private static string Next(string name, ReadOnlySpan<string> words, ref int at) =>
        ++at < words.Length ? words[at] : throw new UsageException($"{name} needs a value");

    private static void Apply(Action<string> apply, string value, string name)
    {
        try
        {
            apply(value);
        }
        catch (FormatException wrong)
        {
            throw new UsageException($"{name}{value}: {wrong.Message}");
        }
    }
}
