using System.Net;
using System.Net.Security;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol.Channels;

namespace Mqtt.Server.Listeners;

/// <summary>Puts TLS over what another listener accepts. It never waits for a handshake: that is the connection's own first step.</summary>
internal sealed class TlsListener(MqttListener inner, SslServerAuthenticationOptions options, ILogger logger) : MqttListener
{
    public override EndPoint EndPoint => inner.EndPoint;

    public override void Start() => inner.Start();

    public override async ValueTask<MqttChannel?> AcceptAsync() =>
        await inner.AcceptAsync().ConfigureAwait(false) is { } channel ? new TlsChannel(channel, options, logger) : null;

    public override ValueTask DisposeAsync() => inner.DisposeAsync();
}
