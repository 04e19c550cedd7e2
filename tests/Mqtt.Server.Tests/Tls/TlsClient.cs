using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Mqtt.Server.Tests;

/// <summary>Clients of a TLS port.</summary>
internal static class TlsClient
{
    /// <summary>A connection on which TLS is not begun yet.</summary>
    public static async Task<Socket> DialAsync(EndPoint endPoint)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(endPoint);
        return socket;
    }

    /// <summary>A connection with TLS, to a server whose certificate goes back to a root that the client trusts.</summary>
    public static async Task<ScriptedPeer> ConnectAsync(EndPoint endPoint, X509Certificate2 root)
    {
        var socket = await DialAsync(endPoint);
        var tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
        var trust = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        trust.CustomTrustStore.Add(root);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = trust });
        var channel = new StreamChannel(tls, () =>
        {
            tls.ShutdownAsync().GetAwaiter().GetResult();
            socket.Shutdown(SocketShutdown.Send);
        });
        return new ScriptedPeer(channel) { Patience = TimeSpan.FromSeconds(30) };
    }

    /// <summary>Opens MQTT over TLS, and says goodbye.</summary>
    public static async Task MustGreetAsync(EndPoint endPoint, X509Certificate2 root)
    {
        await using var peer = await ConnectAsync(endPoint, root);
        var answer = await peer.ConnectAsync(new ConnectPacket { ClientId = "c", KeepAliveSeconds = 0 });
        answer.ReasonCode.Should().Be(ReasonCode.Success);
    }

    /// <summary>Waits until the server has closed a connection, or reset it.</summary>
    public static async Task MustBeClosedAsync(Socket socket)
    {
        try
        {
            var buffer = new byte[1000];
            while (await socket.ReceiveAsync(buffer.AsMemory()).AsTask().WaitAsync(TimeSpan.FromSeconds(30)) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // A reset is an end as well.
        }
    }
}
