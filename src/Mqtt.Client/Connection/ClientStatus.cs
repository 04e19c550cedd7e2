using Microsoft.Extensions.Logging;

namespace Mqtt.Client;

/// <summary>
/// The state of a client, and what is told of it: each event is logged, and handed to the program at the thread pool, one after the other in the order in
/// which they happened. A handler that blocks holds up later events, and nothing else. Any thread; its lock is left before anybody is told.
/// </summary>
internal sealed class ClientStatus(ILogger logger, Action<MqttClientEvent> tell) : IAsyncDisposable
{
    // So many events wait for a handler that blocks; then the oldest is dropped.
    private const int MostWaiting = 1024;

    // A client that is disposed by a handler of its own events must not wait for that handler.
    private static readonly AsyncLocal<ClientStatus?> Telling = new();

    private readonly Lock gate = new();
    private readonly Queue<MqttClientEvent> untold = new();
    private Task teller = Task.CompletedTask;
    private bool isTelling;
    private volatile MqttClientState state;

    public MqttClientState State => state;

    /// <summary>The client is in another state now, and something happened with that.</summary>
    public void Change(MqttClientState to, MqttClientEvent? what = null)
    {
        lock (gate)
        {
            // What still ends in a client that is gone does not bring it back.
            if (state != MqttClientState.Disposed)
                state = to;
            if (what is not null)
                Add(what);
        }
    }

    /// <summary>Something happened that leaves the state as it is.</summary>
    public void Tell(MqttClientEvent what)
    {
        lock (gate)
            Add(what);
    }

    /// <summary>Waits until everything is told.</summary>
    public async ValueTask DisposeAsync()
    {
        Task last;
        lock (gate)
            last = teller;
        if (Telling.Value != this)
            await last.ConfigureAwait(false);
    }

    private void Add(MqttClientEvent what)
    {
        if (untold.Count == MostWaiting)
            untold.Dequeue();
        untold.Enqueue(what with { State = state });
        if (isTelling)
            return;
        isTelling = true;
        teller = Task.Run(TellAll);
    }

    private void TellAll()
    {
        Telling.Value = this;
        while (TryNext(out var what))
        {
            try
            {
                Log(what);
                tell(what);
            }
            catch (Exception error)
            {
                logger.EventHandlerFailed(error, nameof(MqttClient.Happened));
            }
        }
    }

    private void Log(MqttClientEvent what)
    {
        switch (what)
        {
            case MqttConnectedEvent connected:
                logger.Connected(connected.Result.ClientId, connected.Result.SessionPresent);
                break;
            case MqttDisconnectedEvent ended:
                logger.ConnectionEnded(ended.Cause);
                break;
            case MqttConnectFailedEvent failed:
                logger.ConnectFailed(failed.Error, failed.Attempt, failed.RetryIn);
                break;
            case MqttGaveUpEvent gaveUp:
                logger.GaveUp(gaveUp.Error);
                break;
            case MqttSubscriptionRefusedEvent refused:
                logger.SubscriptionRefused(refused.Filter, refused.ReasonCode);
                break;
            case MqttPublishLostEvent lost:
                logger.PublishLost(lost.Topic, lost.Cause, lost.Reason);
                break;
        }
    }

    private bool TryNext(out MqttClientEvent what)
    {
        lock (gate)
            return isTelling = untold.TryDequeue(out what!);
    }
}
