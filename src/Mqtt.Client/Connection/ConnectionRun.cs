using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

namespace Mqtt.Client;

/// <summary>
/// The time in which a client is to be connected: one loop that makes a connection, awaits its end and makes the next, until it is stopped, a reason
/// forbids to try again, or it has tried often enough. It owns its connections, of which there is one at a time.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "Neither source has a timer or a handle, and both may be cancelled late.")]
internal sealed class ConnectionRun
{
    private readonly ClientSession session;
    private readonly MqttClientOptions options;
    private readonly ClientStatus status;
    private readonly Connector connector;
    private readonly RetrySchedule retries;
    private readonly TaskCompletionSource over = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Stopped for good; or abandoned, by whoever waited for the first connection, before there was one.
    private readonly CancellationTokenSource stopping = new();
    private readonly CancellationTokenSource abandoned = new();

    // Who waits for the next connection. Under the gate.
    private readonly Lock gate = new();
    private TaskCompletionSource<Outcome> next = NewOutcome();
    private int waiters;
    private bool isUp;
    private bool wasUp;
    private bool isOver;
    private DisconnectPacket? farewell;
    private Exception? stopReason;

    public ConnectionRun(ClientSession session, ClientStatus status, ServerList servers)
    {
        this.session = session;
        this.status = status;
        options = session.Options;
        connector = new Connector(session, servers);
        retries = new RetrySchedule(options, status);
    }

    /// <summary>Completes, never with an error, when the last connection is closed.</summary>
    public Task Over => over.Task;

    /// <summary>Begins; what comes before the first wait happens before this returns.</summary>
    /// <param name="earlier">The end of the run before.</param>
    public void Start(Task earlier) => _ = RunAsync(earlier);

    /// <summary>Takes part in the wait for the next connection; false if the run is over.</summary>
    /// <exception cref="InvalidOperationException">There is a connection.</exception>
    public bool TryJoin([NotNullWhen(true)] out Task<Outcome>? connected)
    {
        lock (gate)
        {
            connected = null;
            if (isOver)
                return false;
            if (isUp && session.Accepted is not null)
                throw new InvalidOperationException("The client is connected already.");
            waiters++;
            connected = next.Task;
            return true;
        }
    }

    /// <summary>Waits for what was joined; nothing if the run ended for a reason that is none of the caller's.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled. If nobody else waits for a first connection, the run is over then.</exception>
    public async ValueTask<MqttConnectResult?> WaitAsync(Task<Outcome> connected, CancellationToken cancellationToken)
    {
        try
        {
            await connected.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (TryAbandon() || connected.IsCompleted)
        {
            // The attempt ends now, unless the server has answered: it may have heard of subscriptions already. A connection that there is stays.
            await abandoned.CancelAsync().ConfigureAwait(false);
        }
        finally
        {
            lock (gate)
                waiters--;
        }

        var outcome = await connected.ConfigureAwait(false);
        if (outcome.Accepted is not null)
            return outcome.Accepted;
        cancellationToken.ThrowIfCancellationRequested();
        if (outcome.Error is not null)
            ExceptionDispatchInfo.Throw(outcome.Error);
        return null;
    }

    /// <summary>Ends the run; there is no further attempt from here on.</summary>
    /// <param name="packet">What the server is told.</param>
    /// <param name="reason">What whoever waits for a connection is told.</param>
    public async ValueTask StopAsync(DisconnectPacket packet, Exception reason)
    {
        lock (gate)
        {
            farewell ??= packet;
            stopReason ??= reason;
        }

        await stopping.CancelAsync().ConfigureAwait(false);
        session.Disconnect(packet, reason);
    }

    private static TaskCompletionSource<Outcome> NewOutcome() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync(Task earlier)
    {
        await earlier.ConfigureAwait(false);
        session.Begin();
        status.Change(MqttClientState.Connecting);
        try
        {
            await KeepConnectedAsync().ConfigureAwait(false);
        }
        catch (Exception error)
        {
            GiveUp(error);
        }

        await connector.Ended.ConfigureAwait(false);
        over.SetResult();
    }

    private async Task KeepConnectedAsync()
    {
        await session.OpenStoreAsync().ConfigureAwait(false);
        Exception? loss = null;
        while (true)
        {
            await ConnectAsync(loss).ConfigureAwait(false);
            retries.OnConnected(connector.AcceptedAt);
            OnUp();
            var cause = await connector.Ended.ConfigureAwait(false);
            lock (gate)
                isUp = false;
            if (!TryRetry(cause, out loss))
                return;
        }
    }

    private async ValueTask ConnectAsync(Exception? loss)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stopping.Token, wasUp ? CancellationToken.None : abandoned.Token);
        if (loss is not null || options.Reconnect.RetryFirstConnect)
            await retries.RunAsync(loss, connector.ConnectAsync, either.Token).ConfigureAwait(false);
        else
            await retries.RunOnceAsync(connector.ConnectAsync, either.Token).ConfigureAwait(false);
    }

    private void OnUp()
    {
        // Whoever gives up sees either that there is a connection, or none: its continuations run elsewhere.
        lock (gate)
        {
            next.SetResult(new(connector.Accepted, null));
            next = NewOutcome();
            isUp = wasUp = true;
        }

        if (stopping.IsCancellationRequested)
            session.Disconnect(farewell!, stopReason!);
    }

    // Decides whether a lost connection is followed by another, and tells of the end if not.
    private bool TryRetry(MqttDisconnectCause cause, [NotNullWhen(true)] out Exception? loss)
    {
        loss = null;
        var told = new MqttDisconnectedEvent(cause);
        if (stopping.IsCancellationRequested || !options.Reconnect.Enabled)
        {
            End(MqttClientState.Disconnected, cause.ToException(), told);
            return false;
        }

        loss = connector.IsSentOn(cause) ? cause.ToException() : cause.ToLoss();
        status.Change(MqttClientState.Reconnecting);
        if (retries.OnLost(loss, told))
            return true;
        GiveUp(loss);
        return false;
    }

    // What ended the loop: it was stopped, the first connection could not be made, or there is to be no further attempt.
    private void GiveUp(Exception error)
    {
        var isWanted = !stopping.IsCancellationRequested && !IsAbandoned;
        if (isWanted && (wasUp || options.Reconnect.RetryFirstConnect))
            End(MqttClientState.Failed, error, retries.TakeUntold(), new MqttGaveUpEvent(error));
        else
            End(MqttClientState.Disconnected, error, retries.TakeUntold());
    }

    // Who is told of the end may connect again at once.
    private void End(MqttClientState state, Exception error, params ReadOnlySpan<MqttClientEvent?> events)
    {
        lock (gate)
            isOver = true;
        status.Change(state);
        foreach (var what in events)
        {
            if (what is not null)
                status.Tell(what);
        }

        session.GiveUp(error as MqttConnectionException ?? new MqttConnectionException(error.Message, error));
        next.SetResult(new(null, ErrorFor(error)));
    }

    // What whoever waits for a connection is to see; nothing if he may as well begin anew.
    private Exception? ErrorFor(Exception error)
    {
        if (stopping.IsCancellationRequested)
            return stopReason;
        var isLostWithoutAttempt = wasUp && !options.Reconnect.Enabled;
        return IsAbandoned || isLostWithoutAttempt ? null : error;
    }

    // Nobody waits any more for the first connection. One that came all the same is as any other.
    private bool IsAbandoned => !wasUp && abandoned.IsCancellationRequested;

    private bool TryAbandon()
    {
        lock (gate)
            return waiters == 1 && !wasUp;
    }

    /// <summary>How a wait for a connection ended.</summary>
    /// <param name="Accepted">What the server said, if there is a connection.</param>
    /// <param name="Error">Why there is none; nothing if no attempt was made.</param>
    internal readonly record struct Outcome(MqttConnectResult? Accepted, Exception? Error);
}
