using System.Threading.Channels;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Testing;

/// <summary>
/// A server that says exactly what the test says: a <see cref="ScriptedPeer"/> for each connection of the client under test. For what a real broker hardly ever does: refusals,
/// silence, wrong packets, a session lost in the middle.
/// <code>
/// await using var server = new ScriptedServer();
/// await using var client = new MqttClient(new MqttClientOptions { ConnectChannel = server.ConnectChannelAsync });
/// var connecting = client.ConnectAsync();
/// var script = await server.NextConnectionAsync();
/// await script.AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.ServerBusy });
/// </code>
/// <para>Any thread. Disposal ends every connection.</para>
/// </summary>
public sealed class ScriptedServer : IAsyncDisposable
{
    private readonly Channel<ScriptedPeer> dialled = Channel.CreateUnbounded<ScriptedPeer>();
    private readonly Lock gate = new();
    private readonly List<ScriptedPeer> peers = [];

    /// <summary>How long <see cref="NextConnectionAsync"/> and the peers wait, in real time, before they fail. Default: 10 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Opens a connection, for the client under test.</summary>
    public ValueTask<MqttChannel> ConnectChannelAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (client, server) = MemoryChannel.CreatePair();
        var peer = new ScriptedPeer(server, MqttSender.Server) { Patience = Patience };
        lock (gate)
            peers.Add(peer);
        dialled.Writer.TryWrite(peer);
        return new(client);
    }

    /// <summary>The server's end of the next connection that the client opens, or has opened.</summary>
    /// <exception cref="ScriptFailedException">None was opened within <see cref="Patience"/>.</exception>
    public async ValueTask<ScriptedPeer> NextConnectionAsync()
    {
        try
        {
            return await dialled.Reader.ReadAsync().AsTask().WaitAsync(Patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new ScriptFailedException($"Expected a connection, but none was opened within {Patience.TotalSeconds:0.#} s.");
        }
    }

    /// <summary>Ends every connection, without a word.</summary>
    public async ValueTask DisposeAsync()
    {
        ScriptedPeer[] all;
        lock (gate)
            all = [.. peers];
        foreach (var peer in all)
            await peer.DisposeAsync().ConfigureAwait(false);
    }
}
