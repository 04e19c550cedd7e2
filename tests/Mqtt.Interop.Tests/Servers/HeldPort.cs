using System.Net;
using System.Net.Sockets;

namespace Mqtt.Interop.Tests;

/// <summary>
/// A free port of loopback that stays ours while nobody listens on it, so that a server can come back where it was: a socket that is bound
/// and never listens keeps the kernel from giving it to somebody else, and hinders no listener that allows the address to be used again.
/// </summary>
internal sealed class HeldPort : IDisposable
{
    // SOL_SOCKET, SO_REUSEADDR: the runtime's own option would share the port as well.
    private const int SocketLevel = 1;
    private const int ReuseAddress = 2;

    private readonly Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public HeldPort()
    {
        socket.SetRawSocketOption(SocketLevel, ReuseAddress, BitConverter.GetBytes(1));
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
    }

    public int Number => ((IPEndPoint)socket.LocalEndPoint!).Port;

    public void Dispose() => socket.Dispose();
}
