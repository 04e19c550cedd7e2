using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>A client that wants to come in, or one that is in and authenticates again. What it holds is the hook's to keep.</summary>
public sealed class AuthenticationRequest
{
    internal AuthenticationRequest(MqttConnection connection, ConnectPacket packet, ClientLimits limits, BrokerClient? client = null)
    {
        Connection = connection;
        Packet = packet;
        Limits = limits;
        Client = client;
        ClientId = client?.ClientId ?? packet.ClientId.ToString();
        UserName = client is null ? packet.UserName?.ToString() : client.UserName;
    }

    /// <summary>The connection, with the addresses of both ends.</summary>
    public MqttConnection Connection { get; }

    /// <summary>The client's CONNECT. When the client authenticates again it holds no more than the authentication method and data of its AUTH.</summary>
    public ConnectPacket Packet { get; }

    /// <summary>The client identifier; empty if the client asks for one.</summary>
    public string ClientId { get; }

    /// <summary>The user name; <see langword="null"/> if the client gave none.</summary>
    public string? UserName { get; }

    /// <summary>The password, any bytes; <see langword="null"/> if the client gave none.</summary>
    public ReadOnlyMemory<byte>? Password => Packet.Password;

    /// <summary>The limits that the client gets if the hook says nothing else; change them by <c>with</c>.</summary>
    public ClientLimits Limits { get; }

    /// <summary>The client that authenticates again; <see langword="null"/> for one that connects.</summary>
    public BrokerClient? Client { get; }
}
