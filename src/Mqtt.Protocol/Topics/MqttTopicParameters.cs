using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Protocol;

/// <summary>
/// What stood in a topic at the names of a <see cref="MqttTopicTemplate"/>: slices of the topic, no copies, and valid as long as the topic is. Each prints as text.
/// </summary>
[SuppressMessage("Performance", "CA1815:Override equals and operator equals on value types", Justification = "It is looked into, not compared.")]
public readonly struct MqttTopicParameters
{
    private readonly IReadOnlyList<string>? names;
    private readonly MqttString topic;
    private readonly Range[]? values;

    internal MqttTopicParameters(IReadOnlyList<string> names, MqttString topic, Range[] values)
    {
        this.names = names;
        this.topic = topic;
        this.values = values;
    }

    /// <summary>The names, in the order of the template.</summary>
    public IReadOnlyList<string> Names => names ?? [];

    /// <summary>What stood at a name.</summary>
    /// <exception cref="KeyNotFoundException">The template has no such name.</exception>
    public MqttString this[string name] => TryGet(name, out var value) ? value : throw new KeyNotFoundException($"The template has no parameter \"{name}\".");

    /// <summary>What stood at a name; false if the template has no such name.</summary>
    public bool TryGet(string name, out MqttString value)
    {
        for (var i = 0; i < Names.Count; i++)
        {
            if (names![i] != name)
                continue;
            value = MqttString.FromUtf8(topic.Bytes[values![i]]);
            return true;
        }

        value = default;
        return false;
    }
}
