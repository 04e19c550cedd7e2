namespace Mqtt.Client;

/// <summary>
/// Keeps a session connected: from <see cref="ConnectAsync"/> to <see cref="DisconnectAsync"/>, or until it gives up, there is one
/// <see cref="ConnectionRun"/>, which makes one connection after another. The transport owns the latest run and awaits its end; the next one begins after it.
/// </summary>
internal sealed class MqttTransport(ClientSession session, ClientStatus status) : IAsyncDisposable
{
    private readonly MqttClientOptions options = session.Options;
    private readonly ServerList servers = new(session.Options);

    // Which run is the latest. Never taken under another lock; a run's own may be taken under it.
    private readonly Lock gate = new();
    private ConnectionRun? run;
    private bool isDisposed;

    /// <summary>Connects, or waits for the connection that is being made anyway.</summary>
    /// <exception cref="InvalidOperationException">There is a connection already.</exception>
    /// <exception cref="MqttRefusedException">The server refused.</exception>
    /// <exception cref="MqttConnectionException">The server cannot be reached, or does not answer in time.</exception>
    /// <exception cref="MqttProtocolException">The server broke the protocol.</exception>
    public async ValueTask<MqttConnectResult> ConnectAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var joined = Join(out var connected);
            if (await joined.WaitAsync(connected, cancellationToken).ConfigureAwait(false) is { } accepted)
                return accepted;
        }
    }

    /// <summary>Ends the run: sends DISCONNECT if there is a connection, and waits until it is closed; ends an attempt or the wait for one at once.</summary>
    public ValueTask DisconnectAsync(DisconnectPacket packet, CancellationToken cancellationToken) =>
        StopAsync(packet, new MqttConnectionException("The client was disconnected."), cancellationToken);

    /// <summary>Disconnects for good.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (gate)
            isDisposed = true;
        await StopAsync(LastPacket(), new ObjectDisposedException(nameof(MqttClient)), CancellationToken.None).ConfigureAwait(false);
        status.Change(MqttClientState.Disposed);
    }

    private ConnectionRun Join(out Task<ConnectionRun.Outcome> connected)
    {
        ConnectionRun begun;
        Task earlier;
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(isDisposed, typeof(MqttClient));
            if (run is not null && run.TryJoin(out connected!))
                return run;
            earlier = run?.Over ?? Task.CompletedTask;
            begun = run = new ConnectionRun(session, status, servers);
            begun.TryJoin(out connected!);
        }

        begun.Start(earlier);
        return begun;
    }

    private async ValueTask StopAsync(DisconnectPacket packet, Exception reason, CancellationToken cancellationToken)
    {
        ConnectionRun? latest;
        lock (gate)
            latest = run;
        if (latest is null)
            return;
        await latest.StopAsync(packet, reason).ConfigureAwait(false);
        await latest.Over.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    // A session under a generated identifier ends now: nobody else can ever resume it.
    private DisconnectPacket LastPacket()
    {
        var packet = new DisconnectPacket();
        if (options is { ClientId: null, ProtocolVersion: MqttProtocolVersion.V500 } && options.SessionExpiry != TimeSpan.Zero)
            packet.SessionExpiryInterval = 0;
        return packet;
    }
}
