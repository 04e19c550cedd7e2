using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Mqtt.Client;

/// <summary>
/// One subscription, of one filter or several, with a stream of its own: messages come in order, either to whoever enumerates it or to
/// its handler. It outlives connections, and ends when it is disposed, unsubscribed, or refused by the server.
/// <para>
/// The stream yields messages that own their bytes. Each is acknowledged when the next one is asked for, or when the enumeration is
/// left. It has one reader at a time; another enumeration goes on where the last one stopped.
/// </para>
/// </summary>
public sealed class MqttSubscription : IAsyncEnumerable<MqttMessage>, IAsyncDisposable
{
    // Whose handler runs in this flow of control; awaiting its loop from within would never end.
    private static readonly AsyncLocal<MqttSubscription?> Running = new();

    private readonly ClientSession session;
    private readonly Func<MqttMessage, CancellationToken, ValueTask>? handler;
    private readonly ReasonCode?[] reasonCodes;

    // The handler's loop.
    private readonly CancellationTokenSource stopping = new();
    private Task loop = Task.CompletedTask;

    // What SubscribeAsync waits for: null once every filter has its answer, an error if none will come.
    private readonly TaskCompletionSource<Exception?> answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool acknowledgeRest;
    private int isRead;
    private int isDisposed;

    internal MqttSubscription(
        ClientSession session,
        IReadOnlyList<TopicSubscription> filters,
        MqttSubscriptionOptions options,
        Func<MqttMessage, CancellationToken, ValueTask>? handler)
    {
        this.session = session;
        this.handler = handler;
        Filters = filters;
        Options = options;
        reasonCodes = new ReasonCode?[filters.Count];
        Inbox = new Inbox(options.MessageCount ?? session.Options.Limits.StreamMessageCount, options.Bytes ?? session.Options.Limits.StreamBytes);
    }

    /// <summary>What was asked for.</summary>
    public IReadOnlyList<TopicSubscription> Filters { get; }

    /// <summary>The server's latest answer for each of <see cref="Filters"/>: the granted QoS, or why it refused; null as long as there is none.</summary>
    public IReadOnlyList<ReasonCode?> ReasonCodes => reasonCodes;

    /// <summary>How many QoS 0 messages were dropped because too many waited.</summary>
    public long DroppedCount => Inbox.DroppedCount;

    internal Inbox Inbox { get; }

    internal MqttSubscriptionOptions Options { get; }

    // What the server is told about messages that nobody will read.
    private ReasonCode? RestReasonCode => acknowledgeRest ? ReasonCode.Success : null;

    /// <summary>True if the server was asked, or will be: whoever waits for its answer must be told if there will be none. Under the session's lock.</summary>
    internal bool ExpectsAnswer { get; set; }

    internal Task<Exception?> Answered => answered.Task;

    /// <summary>
    /// Waits until the server has answered for every filter; <see cref="ReasonCodes"/> tells how. For a subscription that was registered before
    /// the connection: <see cref="MqttClient.SubscribeAsync(MqttString, QualityOfService, MqttSubscriptionOptions, CancellationToken)"/> waits by itself.
    /// </summary>
    /// <exception cref="MqttConnectionException">The connection went before the answers.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled; the subscription stays.</exception>
    public async Task WaitForAnswersAsync(CancellationToken cancellationToken = default)
    {
        if (await answered.Task.WaitAsync(cancellationToken).ConfigureAwait(false) is { } error)
            throw new MqttConnectionException(error.Message, error);
    }

    /// <summary>The stream of messages. It goes on through reconnections, and waits while there is no connection.</summary>
    /// <exception cref="MqttRefusedException">The server refused every filter.</exception>
    /// <exception cref="InvalidOperationException">Somebody else enumerates it, or it has a handler.</exception>
    public async IAsyncEnumerator<MqttMessage> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        if (handler is not null)
            throw new InvalidOperationException("The messages of this subscription go to its handler.");
        if (Interlocked.Exchange(ref isRead, 1) != 0)
            throw new InvalidOperationException("A stream has one reader at a time.");

        Receipt inHand = default;
        try
        {
            while (await Inbox.WaitAsync(cancellationToken).ConfigureAwait(false))
            {
                while (Inbox.TryTake(out var item))
                {
                    inHand = item.Receipt;
                    yield return new MqttMessage(item.Content).ToOwned();
                    session.Acknowledge(inHand, ReasonCode.Success, Inbox);
                    inHand = default;
                }
            }
        }
        finally
        {
            session.Acknowledge(inHand, ReasonCode.Success, Inbox);
            Volatile.Write(ref isRead, 0);
        }
    }

    /// <summary>
    /// Ends the subscription: at the server as well, unless <see cref="MqttSubscriptionOptions.UnsubscribeOnDispose"/> says otherwise or there is no
    /// connection. Waits for the handler, whose token is cancelled, but not when called by the handler itself.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref isDisposed, 1) != 0)
            return;
        await session.RemoveAsync(this).ConfigureAwait(false);
        await StopAsync(Options.UnsubscribeOnDispose).ConfigureAwait(false);
    }

    /// <summary>Starts the handler's loop, which the subscription owns and its disposal awaits.</summary>
    internal void Start()
    {
        if (handler is not null)
            loop = HandleAsync();
    }

    /// <summary>Ends the stream and the handler's loop. What nobody has read is dropped, acknowledged or not; a reader at work gets it still.</summary>
    internal async ValueTask StopAsync(bool acknowledgeRest)
    {
        this.acknowledgeRest = acknowledgeRest;
        Inbox.Complete();
        await stopping.CancelAsync().ConfigureAwait(false);
        if (handler is null)
            DiscardUnread();
        else if (Running.Value != this)
            await loop.ConfigureAwait(false);
    }

    /// <summary>Takes the server's answer for one filter. Under the session's lock.</summary>
    internal void OnAnswer(in MqttString filter, ReasonCode reasonCode)
    {
        for (var i = 0; i < reasonCodes.Length; i++)
        {
            if (Filters[i].Filter == filter)
                reasonCodes[i] = reasonCode;
        }

        if (Array.TrueForAll(reasonCodes, code => code is not null))
            answered.TrySetResult(null);
        if (Array.TrueForAll(reasonCodes, code => code >= ReasonCode.UnspecifiedError))
            Inbox.Complete(RefusalOf(reasonCode));
    }

    /// <summary>There will be no answer.</summary>
    internal void OnNoAnswer(Exception error) => answered.TrySetResult(error);

    internal MqttRefusedException RefusalOf(ReasonCode reasonCode) =>
        MqttRefusedException.For($"The server refused the subscription to {string.Join(", ", Filters.Select(filter => filter.Filter))}", reasonCode);

    private async Task HandleAsync()
    {
        Running.Value = this;
        Activity.Current = null; // The loop outlives what the program was doing when it subscribed.
        var message = new MqttMessage { Topic = default };
        try
        {
            while (await Inbox.WaitAsync(stopping.Token).ConfigureAwait(false))
            {
                while (!stopping.IsCancellationRequested && Inbox.TryTake(out var item))
                {
                    message.Borrow(item.Content);
                    var reasonCode = await InvokeAsync(message).ConfigureAwait(false);
                    session.Acknowledge(item.Receipt, reasonCode, Inbox);
                }
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // Disposed: the end of the loop.
        }
        catch (MqttRefusedException)
        {
            // The server refused every filter; ReasonCodes says so, and SubscribeAsync threw.
        }
        finally
        {
            Discard();
        }
    }

    private void DiscardUnread()
    {
        if (Interlocked.Exchange(ref isRead, 1) != 0)
            return;
        Discard();
        Volatile.Write(ref isRead, 0);
    }

    private void Discard()
    {
        while (Inbox.TryTake(out var item))
            session.Acknowledge(item.Receipt, RestReasonCode, Inbox);
    }

    // What to tell the server; null for nothing. A handler that completes at once costs no state machine.
    private ValueTask<ReasonCode?> InvokeAsync(MqttMessage message)
    {
        try
        {
            var handling = handler!(message, stopping.Token);
            if (!handling.IsCompletedSuccessfully)
                return FinishAsync(handling, message);
            handling.GetAwaiter().GetResult();
            return new(ReasonCode.Success);
        }
        catch (Exception error)
        {
            return new(OnFailed(message, error));
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<ReasonCode?> FinishAsync(ValueTask handling, MqttMessage message)
    {
        try
        {
            await handling.ConfigureAwait(false);
            return ReasonCode.Success;
        }
        catch (Exception error)
        {
            return OnFailed(message, error);
        }
    }

    private ReasonCode? OnFailed(MqttMessage message, Exception error) =>
        error is OperationCanceledException && stopping.IsCancellationRequested ? RestReasonCode : session.OnHandlerFailed(message, error);
}
