using Mqtt.Client;
using Mqtt.Tool.CommandLine;

namespace Mqtt.Tool.Clients;

/// <summary>The client of a command: from CONNECT until the command is done, is told to stop, or the server is lost for good.</summary>
internal sealed class ClientRun : IAsyncDisposable
{
    private readonly CancellationTokenSource over;
    private readonly Action<string>? tellLoss;
    private string? lost;

    private ClientRun(MqttClientOptions options, Action<string>? tellLoss, CancellationToken stop)
    {
        over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        this.tellLoss = tellLoss;
        Client = Create(options with { Reconnect = new() { Enabled = tellLoss is not null } });
        Client.Happened += OnHappened;
    }

    public MqttClient Client { get; }

    /// <summary>Cancelled when there is nothing left to do or to do it with.</summary>
    public CancellationToken Over => over.Token;

    /// <summary>Makes the client, and connects it once it is prepared.</summary>
    /// <param name="options">The client's options.</param>
    /// <param name="prepare">Registers what must be there before the first message comes.</param>
    /// <param name="stop">Ends the wait, and later the run.</param>
    /// <param name="tellLoss">Told when the connection is lost and is going to be made again; <see langword="null"/> if the run is to end then.</param>
    /// <exception cref="UsageException">The options cannot be used, such as a file that cannot be read.</exception>
    /// <exception cref="IOException">There is no connection.</exception>
    /// <exception cref="MqttRefusedException">The server refused.</exception>
    public static async Task<ClientRun> ConnectAsync(MqttClientOptions options, Action<MqttClient> prepare, CancellationToken stop, Action<string>? tellLoss = null)
    {
        var run = new ClientRun(options, tellLoss, stop);
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
        if (Volatile.Read(ref lost) is { } reason)
            throw new IOException($"the connection ended: {reason}");
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
        switch (what)
        {
            case MqttDisconnectedEvent { State: MqttClientState.Reconnecting } ended:
                tellLoss!($"the connection ended: {ended.Cause}; connecting again");
                break;
            case MqttDisconnectedEvent ended:
                Lose(ended.Cause.ToString());
                break;
            case MqttGaveUpEvent gaveUp:
                Lose(gaveUp.Error.Message);
                break;
        }
    }

    private void Lose(string reason)
    {
        Interlocked.CompareExchange(ref lost, reason, null);
        over.Cancel();
    }
}
