namespace Mqtt.Interop.Tests;

/// <summary>A server on a port of loopback, ours or another's.</summary>
internal interface IServer : IAsyncDisposable
{
    int Port { get; }

    /// <summary>Waits until a SUBSCRIBE of this client was answered.</summary>
    Task SubscribedAsync(string clientId);
}
