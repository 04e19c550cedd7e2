using System.Net.Security;
using System.Net.Sockets;
using Mqtt.Channels.Tests;

namespace Mqtt.Client.Tests.Dialing;

public sealed class Channel_of_a_client_over_tcp : ClientChannelSpecification
{
    public Channel_of_a_client_over_tcp()
        : base("mqtt")
    {
    }

    protected override Task<MqttChannel> AcceptAsync(NetworkStream stream) => Task.FromResult<MqttChannel>(Over(stream, stream.Socket));
}

public sealed class Channel_of_a_client_over_tls : ClientChannelSpecification
{
    public Channel_of_a_client_over_tls()
        : base("mqtts")
    {
    }

    protected override async Task<MqttChannel> AcceptAsync(NetworkStream stream) => Over(await ShakeHandsAsync(stream), stream.Socket);
}

public sealed class Channel_of_a_client_over_a_web_socket : ClientChannelSpecification
{
    public Channel_of_a_client_over_a_web_socket()
        : base("ws")
    {
    }

    protected override async Task<MqttChannel> AcceptAsync(NetworkStream stream) => new WebSocketChannel((await WebSocketServer.AcceptAsync(stream)).Socket);
}

public sealed class Channel_of_a_client_over_a_web_socket_over_tls : ClientChannelSpecification
{
    public Channel_of_a_client_over_a_web_socket_over_tls()
        : base("wss")
    {
    }

    protected override async Task<MqttChannel> AcceptAsync(NetworkStream stream) =>
        new WebSocketChannel((await WebSocketServer.AcceptAsync(await ShakeHandsAsync(stream))).Socket);
}

/// <summary>The channels that the dialer makes keep what every channel promises. The client's end comes first, the one with which most is done.</summary>
public abstract class ClientChannelSpecification(string scheme) : ChannelSpecification, IDisposable
{
    private readonly Listener listener = new();

    public void Dispose()
    {
        GC.SuppressFinalize(this);
        listener.Dispose();
    }

    /// <summary>The server's end of a connection.</summary>
    protected abstract Task<MqttChannel> AcceptAsync(NetworkStream stream);

    protected override async ValueTask<ChannelPair> CreateAsync()
    {
        var options = new MqttClientOptions { Tls = new() { TrustedCertificates = [TestCertificate.ForLocalhost] } };
        var dialling = Dialer.DialAsync(new Uri($"{scheme}://localhost:{listener.Port}"), options, CancellationToken.None);
        var server = await AcceptAsync(await listener.AcceptAsync());
        return new ChannelPair(await dialling, server);
    }

    protected static async Task<SslStream> ShakeHandsAsync(Stream stream)
    {
        var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(TestCertificate.ForLocalhost);
        return tls;
    }

    protected static StreamChannel Over(Stream stream, Socket socket) => new(stream, () =>
    {
        (stream as SslStream)?.ShutdownAsync().GetAwaiter().GetResult();
        socket.Shutdown(SocketShutdown.Send);
    });
}
