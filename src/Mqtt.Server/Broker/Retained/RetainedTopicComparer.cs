using System.Diagnostics.CodeAnalysis;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Retained;

/// <summary>Finds topics by their names, so that a table of them needs no keys beside.</summary>
internal sealed class RetainedTopicComparer : IEqualityComparer<RetainedTopic>, IAlternateEqualityComparer<ReadOnlySpan<byte>, RetainedTopic>
{
    private RetainedTopicComparer()
    {
    }

    public static RetainedTopicComparer Instance { get; } = new();

    public bool Equals(RetainedTopic? x, RetainedTopic? y) => x is null || y is null ? x == y : x.Name.Equals(y.Name);

    public bool Equals(ReadOnlySpan<byte> alternate, RetainedTopic other) => alternate.SequenceEqual(other.Name.Span);

    public int GetHashCode([DisallowNull] RetainedTopic obj) => Utf8Comparer.Instance.GetHashCode(obj.Name.Span);

    public int GetHashCode(ReadOnlySpan<byte> alternate) => Utf8Comparer.Instance.GetHashCode(alternate);

    // A table only asks for this when it is to add by name alone.
    public RetainedTopic Create(ReadOnlySpan<byte> alternate) => throw new NotSupportedException("A topic is kept with its message.");
}
