namespace Mqtt.Server.Broker.Routing;

/// <summary>Where a topic stands among other bytes.</summary>
internal readonly record struct TopicPlace(int Start, int Length)
{
    /// <summary>The topic.</summary>
    public ReadOnlySpan<byte> In(ReadOnlySpan<byte> bytes) => bytes.Slice(Start, Length);
}
