using System.Buffers;
using System.Buffers.Binary;
using System.Collections;

namespace Mqtt.Protocol;

/// <summary>
/// The properties of a packet, kept as the bytes that stand on the wire (without their length): values are looked up when
/// asked for, and relayed as they came. Immutable; <c>With</c> makes a changed copy.
/// <para>Bytes that came through a reader were checked there once; nothing here checks them again.</para>
/// </summary>
public readonly struct MqttProperties : IEnumerable<MqttProperty>, IEquatable<MqttProperties>
{
    internal MqttProperties(ReadOnlyMemory<byte> encoded) => Encoded = encoded;

    /// <summary>The encoded properties, without the Property Length in front.</summary>
    public ReadOnlyMemory<byte> Encoded { get; }

    /// <summary>True if there are none.</summary>
    public bool IsEmpty => Encoded.IsEmpty;

    /// <summary>The name-value pairs, in their order.</summary>
    public UserProperties UserProperties => new(Encoded);

    /// <summary>Takes properties that are encoded already, as a reader once handed them out. They are neither copied nor checked.</summary>
    public static MqttProperties FromEncoded(ReadOnlyMemory<byte> encoded) => new(encoded);

    /// <summary>The value of a numeric property of any width; <see langword="null"/> if it is absent.</summary>
    public uint? GetNumber(PropertyId id)
    {
        foreach (var property in this)
        {
            if (property.Id == id)
                return property.Number;
        }

        return null;
    }

    /// <summary>The value of a string property; <see langword="null"/> if it is absent.</summary>
    public MqttString? GetString(PropertyId id) => Find(id) is { } value ? MqttString.FromUtf8(value) : default(MqttString?);

    /// <summary>The value of a binary property; <see langword="null"/> if it is absent.</summary>
    public ReadOnlyMemory<byte>? GetBinary(PropertyId id) => Find(id);

    /// <summary>A copy in which the property has this value alone, or is absent if the value is <see langword="null"/>.</summary>
    public MqttProperties With(PropertyId id, uint? value)
    {
        var output = Copy(id);
        if (value is { } number)
            PropertyWriter.Write(output, id, number);
        return new(output.WrittenMemory);
    }

    /// <inheritdoc cref="With(PropertyId, uint?)"/>
    public MqttProperties With(PropertyId id, MqttString? value) => With(id, value?.Bytes);

    /// <inheritdoc cref="With(PropertyId, uint?)"/>
    public MqttProperties With(PropertyId id, ReadOnlyMemory<byte>? value)
    {
        var output = Copy(id);
        if (value is { } bytes)
            PropertyWriter.Write(output, id, bytes.Span);
        return new(output.WrittenMemory);
    }

    /// <summary>A copy with these name-value pairs in place of the present ones.</summary>
    public MqttProperties With(UserProperties pairs)
    {
        var output = Copy(PropertyId.UserProperty);
        foreach (var (name, value) in pairs)
            PropertyWriter.Write(output, name.Span, value.Span);
        return new(output.WrittenMemory);
    }

    /// <summary>A copy to which one value more of a property that may repeat is added.</summary>
    public MqttProperties Add(PropertyId id, uint value)
    {
        var output = new ArrayBufferWriter<byte>(Encoded.Length + 8);
        output.Write(Encoded.Span);
        PropertyWriter.Write(output, id, value);
        return new(output.WrittenMemory);
    }

    /// <summary>A copy that owns its bytes, for what must outlive a borrowed packet.</summary>
    public MqttProperties ToOwned() => IsEmpty ? default : new(Encoded.ToArray());

    /// <summary>Goes through all properties in the order of the wire.</summary>
    public Enumerator GetEnumerator() => new(Encoded);

    IEnumerator<MqttProperty> IEnumerable<MqttProperty>.GetEnumerator()
    {
        foreach (var property in this)
            yield return property;
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<MqttProperty>)this).GetEnumerator();

    /// <summary>True if both have the same bytes.</summary>
    public bool Equals(MqttProperties other) => Encoded.Span.SequenceEqual(other.Encoded.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is MqttProperties other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => MqttString.FromUtf8(Encoded).GetHashCode();

    /// <summary>True if both have the same bytes.</summary>
    public static bool operator ==(MqttProperties left, MqttProperties right) => left.Equals(right);

    /// <summary>True if the bytes differ.</summary>
    public static bool operator !=(MqttProperties left, MqttProperties right) => !left.Equals(right);

    internal bool? GetFlag(PropertyId id) => GetNumber(id) is { } number ? number != 0 : null;

    internal ushort? GetShort(PropertyId id) => (ushort?)GetNumber(id);

    private ReadOnlyMemory<byte>? Find(PropertyId id)
    {
        foreach (var property in this)
        {
            if (property.Id == id)
                return property.Bytes;
        }

        return null;
    }

    private ArrayBufferWriter<byte> Copy(PropertyId without)
    {
        var output = new ArrayBufferWriter<byte>(Encoded.Length + 16);
        foreach (var property in this)
        {
            if (property.Id != without)
                output.Write(property.Encoded.Span);
        }

        return output;
    }

    /// <summary>Goes through encoded properties.</summary>
    public struct Enumerator
    {
        private ReadOnlyMemory<byte> rest;

        internal Enumerator(ReadOnlyMemory<byte> encoded)
        {
            rest = encoded;
            Current = default;
        }

        /// <summary>The property at which the enumerator stands.</summary>
        public MqttProperty Current { get; private set; }

        /// <summary>Goes to the next property; false at the end.</summary>
        public bool MoveNext()
        {
            if (rest.IsEmpty)
                return false;
            var span = rest.Span;
            var length = 1 + ValueLength(PropertyTable.Find(span[0]).Type, span[1..]);
            Current = new MqttProperty(rest[..length]);
            rest = rest[length..];
            return true;
        }

        private static int ValueLength(PropertyType type, ReadOnlySpan<byte> value) => type switch
        {
            PropertyType.Byte => 1,
            PropertyType.TwoByteInteger => 2,
            PropertyType.FourByteInteger => 4,
            PropertyType.VariableByteInteger => value.IndexOfAnyInRange((byte)0, (byte)0x7F) + 1,
            PropertyType.StringPair => PrefixedLength(value) + PrefixedLength(value[PrefixedLength(value)..]),
            _ => PrefixedLength(value),
        };

        private static int PrefixedLength(ReadOnlySpan<byte> value) => 2 + BinaryPrimitives.ReadUInt16BigEndian(value);
    }
}
