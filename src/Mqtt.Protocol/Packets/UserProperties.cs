using System.Buffers;
using System.Collections;
using System.Runtime.CompilerServices;

namespace Mqtt.Protocol;

/// <summary>
/// The user properties of a packet: pairs of strings in their order, repeats allowed (section 2.2.2.2).
/// Written as <c>[("name", "value")]</c>.
/// </summary>
[CollectionBuilder(typeof(UserProperties), nameof(Create))]
public readonly struct UserProperties : IEnumerable<(MqttString Name, MqttString Value)>
{
    private readonly MqttProperties properties;

    internal UserProperties(ReadOnlyMemory<byte> encoded) => properties = new(encoded);

    /// <summary>Collects pairs; what a collection expression calls.</summary>
    public static UserProperties Create(ReadOnlySpan<(MqttString Name, MqttString Value)> pairs)
    {
        if (pairs.IsEmpty)
            return default;
        var output = new ArrayBufferWriter<byte>();
        foreach (var (name, value) in pairs)
            PropertyWriter.Write(output, name.Span, value.Span);
        return new(output.WrittenMemory);
    }

    /// <summary>The first value of that name; <see langword="null"/> if there is none.</summary>
    public MqttString? this[MqttString name]
    {
        get
        {
            foreach (var (candidate, value) in this)
            {
                if (candidate == name)
                    return value;
            }

            return null;
        }
    }

    /// <summary>Goes through the pairs in their order.</summary>
    public Enumerator GetEnumerator() => new(properties);

    IEnumerator<(MqttString Name, MqttString Value)> IEnumerable<(MqttString Name, MqttString Value)>.GetEnumerator()
    {
        foreach (var pair in this)
            yield return pair;
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<(MqttString, MqttString)>)this).GetEnumerator();

    /// <summary>Goes through the pairs of a packet's properties.</summary>
    public struct Enumerator
    {
        private MqttProperties.Enumerator all;

        internal Enumerator(MqttProperties properties)
        {
            all = properties.GetEnumerator();
            Current = default;
        }

        /// <summary>The pair at which the enumerator stands.</summary>
        public (MqttString Name, MqttString Value) Current { get; private set; }

        /// <summary>Goes to the next pair; false at the end.</summary>
        public bool MoveNext()
        {
            while (all.MoveNext())
            {
                var property = all.Current;
                if (property.Id != PropertyId.UserProperty)
                    continue;
                Current = (MqttString.FromUtf8(property.Bytes), MqttString.FromUtf8(property.PairValue));
                return true;
            }

            return false;
        }
    }
}
