using Mqtt.Protocol.Channels;

namespace Mqtt.Channels.Tests;

/// <summary>Two ends of a channel, and what stands below them.</summary>
public sealed class ChannelPair(MqttChannel first, MqttChannel second, params IDisposable[] below) : IAsyncDisposable
{
    public MqttChannel First => first;

    public MqttChannel Second => second;

    public async ValueTask DisposeAsync()
    {
        await first.DisposeAsync();
        await second.DisposeAsync();
        foreach (var part in below)
            part.Dispose();
    }
}
