using System.Net;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Listeners;

/// <summary>Puts WebSockets over what another listener accepts, plain or TLS. It never waits for a request: that is the connection's own first step.</summary>
internal sealed class WebSocketListener(MqttListener inner, WebSocketUpgrade upgrade, ILogger logger) : MqttListener
{
    public override EndPoint EndPoint => inner.EndPoint;

    public override void Start() => inner.Start();

    public override async ValueTask<MqttChannel?> AcceptAsync() =>
        await inner.AcceptAsync().ConfigureAwait(false) is { } channel ? new UpgradeChannel(channel, upgrade, logger) : null;

    public override ValueTask DisposeAsync() => inner.DisposeAsync();
}
