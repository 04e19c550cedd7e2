using System.Diagnostics;

namespace Mqtt.Client;

/// <summary>
/// One subscription, of one filter or several, with a stream of its own: messages come in order, either to whoever enumerates it or to
/// its handler. It outlives connections, and ends when it is disposed, unsubscribed, or refused by the server.
/// <para>
/// The stream yields messages that own their bytes. Each is acknowledged when the next one is asked for, or when the enumeration is
/// left, unless <see cref="MqttSubscriptionOptions.AcknowledgeByHand"/> says otherwise. It has one reader at a time; another enumeration goes on where the last one stopped.
/// </para>
/// </summary>
public sealed class MqttSubscription : IAsyncEnumerable<MqttMessage>, IAsyncDisposable
{
    // Whose handler runs in this flow of control; awaiting its loop from within would never end.
    private static readonly AsyncLocal<MqttSubscription?> Running = new();

    private readonly ClientSession session;
    private readonly MessageHandler? handler;
    private readonly StreamInterception? interception;
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
        Filters = filters;
        Options = options;
        var interceptors = session.Options.Interceptors;
        if (handler is not null)
            this.handler = new MessageHandler(session, this, InterceptorChain.AroundReceive(interceptors, handler), stopping.Token);
        else if (interceptors.Count > 0)
            interception = new StreamInterception(session);
        reasonCodes = new ReasonCode?[filters.Count];
        Inbox = session.CreateInbox(options);
    }

    /// <summary>What was asked for.</summary>
    public IReadOnlyList<TopicSubscription> Filters { get; }

    /// <summary>The server's latest answer for each of <see cref="Filters"/>: the granted QoS, or why it refused; null as long as there is none.</summary>
    public IReadOnlyList<ReasonCode?> ReasonCodes => reasonCodes;

    /// <summary>How many QoS 0 messages were dropped because too many waited; see <see cref="MqttSubscriptionOptions.Overflow"/>.</summary>
    public long DroppedCount => Inbox.DroppedCount;

    internal Inbox Inbox { get; }

    internal MqttSubscriptionOptions Options { get; }

    // What the server is told about messages that nobody will read.
    internal ReasonCode? RestReasonCode => acknowledgeRest ? ReasonCode.Success : null;

    /// <summary>True if the server was asked, or will be: whoever waits for its answer must be told if there will be none. Under the session's lock.</summary>
    internal bool ExpectsAnswer { get; set; }

    internal Task<Exception?> Answered => answered.Task;

    /// <summary>True if the connection went before the first answers.</summary>
    internal bool IsUnanswered => answered.Task is { IsCompletedSuccessfully: true, Result: not null };

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
                    inHand = Options.AcknowledgeByHand ? default : item.Receipt;
                    var received = CreateMessage(item);
                    var passed = interception is null ? new StreamInterception.Passed(received, ReasonCode.Success) : await interception.PassAsync(received, stopping.Token).ConfigureAwait(false);
                    if (passed.Message is not null)
                        yield return passed.Message;
                    session.Acknowledge(inHand, passed.ReasonCode, Inbox);
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
            loop = HandleAsync(handler);
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

    /// <summary>A message that owns its bytes.</summary>
    internal MqttMessage CreateMessage(in InboxItem item)
    {
        var message = new MqttMessage { Topic = default };
        message.Borrow(item.Content.CopyTo(new byte[item.Content.Bytes]), session, AcknowledgementOf(item.Receipt));
        return message;
    }

    /// <summary>Nobody will handle a message any more.</summary>
    internal void Discard(in Receipt receipt) => session.Acknowledge(receipt, RestReasonCode, Inbox);

    private async Task HandleAsync(MessageHandler handler)
    {
        Running.Value = this;
        Activity.Current = null; // The loop outlives what the program was doing when it subscribed.
        try
        {
            if (Options.MaximumConcurrency == 1)
            {
                await HandleOneByOneAsync(handler).ConfigureAwait(false);
                return;
            }

            using var several = new ConcurrentHandling(this, handler, stopping.Token);
            await several.RunAsync().ConfigureAwait(false);
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
            DiscardAll();
        }
    }

    private async Task HandleOneByOneAsync(MessageHandler handler)
    {
        var message = new MqttMessage { Topic = default };
        while (!stopping.IsCancellationRequested && await Inbox.WaitAsync(stopping.Token).ConfigureAwait(false))
        {
            while (!stopping.IsCancellationRequested && Inbox.TryTake(out var item))
            {
                message.Borrow(item.Content, session, AcknowledgementOf(item.Receipt));
                await handler.HandleAsync(message, item.Receipt).ConfigureAwait(false);
            }
        }
    }

    private Acknowledgement? AcknowledgementOf(in Receipt receipt)
    {
        if (!Options.AcknowledgeByHand)
            return null;
        return receipt.IsNeeded ? new(session, receipt, Inbox) : Acknowledgement.None;
    }

    private void DiscardUnread()
    {
        if (Interlocked.Exchange(ref isRead, 1) != 0)
            return;
        DiscardAll();
        Volatile.Write(ref isRead, 0);
    }

    private void DiscardAll()
    {
        while (Inbox.TryTake(out var item))
            Discard(item.Receipt);
    }
}
