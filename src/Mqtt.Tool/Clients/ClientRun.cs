using Mqtt.Client;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Clients;

/// <summary>One connection of a command: from CONNECT until the command is done, is told to stop, or the connection ends by itself.</summary>
internal sealed class ClientRun : IAsyncDisposable
{
    private readonly CancellationTokenSource over;
    private MqttDisconnectCause? lost;

    private ClientRun(MqttClientOptions options, CancellationToken stop)
    {
        over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Client = Create(options with { Reconnect = new() { Enabled = false } });
        Client.Happened += OnHappened;
    }

    public MqttClient Client { get; }

    /// <summary>Cancelled when there is nothing left to do or to do it with.</summary>
    public CancellationToken Over => over.Token;

    /// <summary>Makes the client, and connects it once it is prepared.</summary>
    /// <param name="options">The client's options.</param>
    /// <param name="prepare">Registers what must be there before the first message comes.</param>
    /// <param name="stop">Ends the wait, and later the run.</param>
    /// <exception cref="UsageException">The options cannot be used, such as a file that cannot be read.</exception>
    /// <exception cref="IOException">There is no connection.</exception>
    /// <exception cref="MqttRefusedException">The server refused.</exception>
    public static async Task<ClientRun> ConnectAsync(MqttClientOptions options, Action<MqttClient> prepare, CancellationToken stop)
    {
        var run = new ClientRun(options, stop);
        try
        {
            prepare(run.Client);
            await run.Client.ConnectAsync(stop);
            return run;
        }
        catch
        {
            await run.DisposeAsync();
            throw;
        }
    }

    /// <summary>There is nothing left to do.</summary>
    public void End() => over.Cancel();

    /// <summary>Says goodbye to the server.</summary>
    /// <exception cref="IOException">The connection had ended before, by itself.</exception>
    public async Task DisconnectAsync()
    {
        if (Volatile.Read(ref lost) is { } cause)
            throw new IOException($"the connection ended: {cause}");
        Client.Happened -= OnHappened;
        await Client.DisconnectAsync(cancellationToken: CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        Client.Happened -= OnHappened;
        await Client.DisposeAsync();
        over.Dispose();
    }

    private static MqttClient Create(MqttClientOptions options)
    {
        try
        {
            return new MqttClient(options);
        }
        catch (ArgumentException wrong)
        {
            throw new UsageException(wrong.Message);
        }
    }

    private void OnHappened(object? sender, MqttClientEvent what)
    {
        if (what is not MqttDisconnectedEvent ended)
            return;
        Volatile.Write(ref lost, ended.Cause);
        over.Cancel();
    }
}
