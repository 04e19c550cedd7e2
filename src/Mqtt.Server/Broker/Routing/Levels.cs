namespace Mqtt.Server.Broker.Routing;

/// <summary>Goes through the levels of a topic name or filter; empty levels count.</summary>
internal ref struct Levels(ReadOnlySpan<byte> topic)
{
    private ReadOnlySpan<byte> rest = topic;
    private bool ended;

    public ReadOnlySpan<byte> Current { get; private set; }

    public readonly Levels GetEnumerator() => this;

    /// <summary>The first level of a topic name or filter, or of what is left of it.</summary>
    public static ReadOnlySpan<byte> First(ReadOnlySpan<byte> topic)
    {
        var length = topic.IndexOf((byte)'/');
        return length < 0 ? topic : topic[..length];
    }

    public bool MoveNext()
    {
        if (ended)
            return false;
        Current = First(rest);
        ended = Current.Length == rest.Length;
        rest = ended ? default : rest[(Current.Length + 1)..];
        return true;
    }
}
