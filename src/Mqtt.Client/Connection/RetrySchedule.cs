using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Polly;
using Polly.Retry;

namespace Mqtt.Client;

/// <summary>
/// When to try again, and whether: counts attempts, executes the pipeline, and tells of each failure together with the delay that follows it. Only the
/// loop of its <see cref="ConnectionRun"/> uses it.
/// </summary>
internal sealed class RetrySchedule
{
    private readonly MqttClientReconnect options;
    private readonly TimeProvider clock;
    private readonly ClientStatus status;
    private readonly ResiliencePipeline pipeline;

    // In a row, since there was a connection that lasted.
    private int attempts;
    private int failures;
    private TimeSpan lastDelay;
    private long connectedAt;

    // The latest failure, as long as it is not known what follows it.
    private MqttClientEvent? untold;

    public RetrySchedule(MqttClientOptions options, ClientStatus status)
    {
        this.options = options.Reconnect;
        this.status = status;
        clock = options.TimeProvider;
        pipeline = options.Reconnect.Pipeline ?? BuildPipeline();
    }

    /// <summary>Connects after a loss, or for the first time, until it succeeds.</summary>
    /// <exception cref="Exception">There is to be no further attempt.</exception>
    public async ValueTask RunAsync(Exception? loss, Func<CancellationToken, ValueTask> connect, CancellationToken stop)
    {
        // An error that is final must not meet the pipeline: it would try again.
        var final = await pipeline.ExecuteAsync(
            async token =>
            {
                if (Interlocked.Exchange(ref loss, null) is { } lost)
                    throw lost;
                return await TryAsync(connect, token, stop).ConfigureAwait(false);
            },
            stop).ConfigureAwait(false);
        if (final is not null)
            ExceptionDispatchInfo.Throw(final);
    }

    /// <summary>Connects, or fails.</summary>
    /// <exception cref="Exception">The attempt has failed.</exception>
    public async ValueTask RunOnceAsync(Func<CancellationToken, ValueTask> connect, CancellationToken stop)
    {
        if (await TryAsync(connect, stop, stop).ConfigureAwait(false) is { } final)
            ExceptionDispatchInfo.Throw(final);
    }

    /// <summary>There is a connection, since this time: the client may have been told long before the loop comes here.</summary>
    public void OnConnected(long acceptedAt)
    {
        connectedAt = acceptedAt;
        untold = null;
    }

    /// <summary>The connection was lost; true if there may be another.</summary>
    public bool OnLost(Exception loss, MqttDisconnectedEvent told)
    {
        // A server that accepts and then ends the connection at once must not be asked every second.
        if (clock.GetElapsedTime(connectedAt) >= lastDelay)
            attempts = failures = 0;
        return OnFailed(loss, told);
    }

    /// <summary>The latest failure, if it was not told yet: nothing follows it.</summary>
    public MqttClientEvent? TakeUntold()
    {
        var what = untold;
        untold = null;
        return what;
    }

    // Returns an error that is final, and throws one that is not.
    private async ValueTask<Exception?> TryAsync(Func<CancellationToken, ValueTask> connect, CancellationToken token, CancellationToken stop)
    {
        attempts++;
        try
        {
            await connect(token).ConfigureAwait(false);
            return null;
        }
        catch (Exception error) when (!stop.IsCancellationRequested)
        {
            if (OnFailed(error, new MqttConnectFailedEvent(attempts, error)))
                throw;
            return error;
        }
    }

    private bool OnFailed(Exception error, MqttClientEvent what)
    {
        failures++;
        if (options.Pipeline is null)
            untold = what;
        else
            status.Tell(what);
        return options.Allows(error) && !(attempts >= options.MaxAttempts);
    }

    private ResiliencePipeline BuildPipeline()
    {
        var retry = new RetryStrategyOptions
        {
            MaxRetryAttempts = int.MaxValue,
            ShouldHandle = static args => new(args.Outcome.Exception is not null and not OperationCanceledException),
            DelayGenerator = _ => new(NextDelay()),
            OnRetry = OnRetry,
        };
        return new ResiliencePipelineBuilder { TimeProvider = clock }.AddRetry(retry).Build();
    }

    private TimeSpan? NextDelay()
    {
        var longest = Math.Min(options.MaximumDelay.TotalSeconds, options.Delay.TotalSeconds * Math.Pow(2, failures - 1));
        return TimeSpan.FromSeconds(longest * Jitter());
    }

    [SuppressMessage("Security", "CA5394:Do not use insecure randomness", Justification = "It spreads load, and protects nothing.")]
    private static double Jitter() => 0.5 + Random.Shared.NextDouble() / 2;

    private ValueTask OnRetry(OnRetryArguments<object> args)
    {
        lastDelay = args.RetryDelay;
        switch (TakeUntold())
        {
            case MqttDisconnectedEvent lost:
                status.Tell(lost with { RetryIn = lastDelay });
                break;
            case MqttConnectFailedEvent failed:
                status.Tell(failed with { RetryIn = lastDelay });
                break;
        }

        return default;
    }
}
