using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;

namespace Mqtt.Client;

/// <summary>
/// The requests of a client that wait for their responses (5.0, section 4.10). All responses come to one topic, to which it subscribes with the first
/// request; Correlation Data, a number that no other request of this client has, tells whose a response is. It stands on what any user of the client has.
/// </summary>
internal sealed class ResponseDesk(MqttClient client, ClientSession session) : IDisposable
{
    private const int CorrelationBytes = sizeof(ulong);

    private readonly Lock gate = new();
    private readonly Dictionary<ulong, TaskCompletionSource<MqttMessage>> pending = [];

    // Where it begins is random: a late response to an earlier run of the program must not match.
    private ulong lastNumber = BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(CorrelationBytes));

    // One at a time subscribes anew.
    private readonly SemaphoreSlim turnstile = new(1, 1);
    private volatile Desk? desk;
    private long unmatched;

    /// <summary>How many responses belonged to no request that was still waiting.</summary>
    public long UnmatchedCount => Interlocked.Read(ref unmatched);

    /// <summary>Sends a request and waits for its response.</summary>
    public async ValueTask<MqttMessage> RequestAsync(MqttMessage request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(timeout, session.Options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var topic = await SubscribedAsync(either.Token).ConfigureAwait(false);
            return await RequestAsync(request, topic, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"No response to the request to \"{request.Topic}\" came within {timeout}.");
        }
    }

    public void Dispose() => turnstile.Dispose();

    private async ValueTask<MqttMessage> RequestAsync(MqttMessage request, string responseTopic, CancellationToken cancellationToken)
    {
        var (number, response) = Begin();
        session.BeginAwaiting();
        try
        {
            await PublishAsync(request, responseTopic, number, response, cancellationToken).ConfigureAwait(false);
            return await response.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            session.EndAwaiting();
            TryEnd(number, out _);
        }
    }

    private async ValueTask PublishAsync(MqttMessage request, string responseTopic, ulong number, Task<MqttMessage> response, CancellationToken cancellationToken)
    {
        var correlation = new byte[CorrelationBytes];
        BinaryPrimitives.WriteUInt64BigEndian(correlation, number);
        var properties = request.Properties.With(PropertyId.ResponseTopic, (MqttString)responseTopic).With(PropertyId.CorrelationData, (ReadOnlyMemory<byte>?)correlation);
        try
        {
            (await client.PublishAsync(request.With(properties: properties), cancellationToken).ConfigureAwait(false)).EnsureSuccess();
        }
        catch (MqttConnectionException) when (response.IsCompleted)
        {
            // The response has come, and its acknowledgement will not.
        }
    }

    // --- The topic of the responses ---

    private async ValueTask<string> SubscribedAsync(CancellationToken cancellationToken)
    {
        var present = desk;
        if (present is null || present.Topic != Topic() || !present.IsOpen)
            present = await SubscribeAnewAsync(cancellationToken).ConfigureAwait(false);

        // Without a connection, or when the one of the first attempt went, it goes out with the next one, before any request does.
        if (client.IsConnected && present is { Answer: null, Subscription.IsUnanswered: false })
            await present.Subscription.WaitForAnswersAsync(cancellationToken).ConfigureAwait(false);
        return present.IsOpen ? present.Topic : throw present.Subscription.RefusalOf(present.Answer!.Value);
    }

    private async ValueTask<Desk> SubscribeAnewAsync(CancellationToken cancellationToken)
    {
        await turnstile.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var topic = Topic();
            if (desk is { } present)
            {
                if (present.Topic == topic && present.IsOpen)
                    return present;
                await present.Subscription.DisposeAsync().ConfigureAwait(false);
            }

            return desk = new(topic, client.Subscribe(topic, OnResponse, QualityOfService.AtLeastOnce));
        }
        finally
        {
            turnstile.Release();
        }
    }

    // The same for each run of the program: a session that is kept must not gather such subscriptions. A client identifier may hold what a topic name may not.
    private string Topic()
    {
        var basis = client.Connection?.ResponseInformation ?? session.Options.ResponseTopicPrefix;
        return $"{basis.TrimEnd('/')}/{Uri.EscapeDataString(client.ClientId)}";
    }

    // --- Responses ---

    private ValueTask OnResponse(MqttMessage message, CancellationToken cancellationToken)
    {
        var isExpected = message.CorrelationData is { Length: CorrelationBytes } data
            && TryEnd(BinaryPrimitives.ReadUInt64BigEndian(data.Span), out var response)
            && response.TrySetResult(message.ToOwned());
        if (!isExpected)
            Interlocked.Increment(ref unmatched);
        return default;
    }

    private (ulong Number, Task<MqttMessage> Response) Begin()
    {
        var response = new TaskCompletionSource<MqttMessage>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            pending.Add(++lastNumber, response);
            return (lastNumber, response.Task);
        }
    }

    private bool TryEnd(ulong number, [NotNullWhen(true)] out TaskCompletionSource<MqttMessage>? response)
    {
        lock (gate)
            return pending.Remove(number, out response);
    }

    /// <summary>The subscription to which responses come.</summary>
    private sealed record Desk(string Topic, MqttSubscription Subscription)
    {
        /// <summary>False if the server has refused it.</summary>
        public bool IsOpen => !(Answer >= ReasonCode.UnspecifiedError);

        /// <summary>The server's latest answer.</summary>
        public ReasonCode? Answer => Subscription.ReasonCodes[0];
    }
}
