using System.Collections.ObjectModel;

namespace Mqtt.Client;

/// <summary>What <c>ws://</c> and <c>wss://</c> addresses need beyond all others.</summary>
public sealed record MqttClientWebSocket
{
    /// <summary>Headers of the request that opens the WebSocket, such as <c>Authorization</c>. Default: none beyond those that are needed.</summary>
    public IReadOnlyDictionary<string, string> RequestHeaders { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>
    /// Sends that request, and makes the connection for it: TLS, proxy and dialling are its own then, and <see cref="MqttClientOptions.Tls"/>,
    /// <see cref="MqttClientOptions.Proxy"/> and <see cref="MqttClientOptions.ConnectCallback"/> go unused for these addresses. It is not
    /// disposed. Default: none.
    /// </summary>
    public HttpMessageInvoker? Invoker { get; init; }

    /// <summary>Shows the names of the headers alone.</summary>
    public override string ToString() => $"{nameof(MqttClientWebSocket)} {{ {nameof(RequestHeaders)} = {string.Join(", ", RequestHeaders.Keys)} }}";
}
