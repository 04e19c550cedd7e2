namespace Mqtt.Server.Broker.Routing;

/// <summary>Goes through the levels of a topic name or filter; empty levels count.</summary>
internal ref struct Levels(ReadOnlySpan<byte> topic)
{
    private ReadOnlySpan<byte> rest = topic;
    private bool ended;

    public ReadOnlySpan<byte> Current { get; private set; }

    public readonly Levels GetEnumerator() => this;

    public bool MoveNext()
    {
        if (ended)
            return false;
        var length = rest.IndexOf((byte)'/');
        ended = length < 0;
        Current = ended ? rest : rest[..length];
        rest = ended ? default : rest[(length + 1)..];
        return true;
    }
}
