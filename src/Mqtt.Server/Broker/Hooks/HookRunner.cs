using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// One hook of a broker: where it runs, what it has still to be told, and what is said of it when it fails. Any thread; its lock is a
/// leaf, and the hook never runs under it.
/// </summary>
internal sealed class HookRunner(IBrokerHook hook, BrokerStatistics statistics)
{
    private volatile MqttBrokerOptions options = new();

    private readonly Lock gate = new();
    private readonly Queue<Notice> notices = new();
    private Task draining = Task.CompletedTask;
    private bool isDraining;
    private bool loses;
    private bool isLossReported;

    /// <summary>Those of the broker, at present.</summary>
    public MqttBrokerOptions Options
    {
        set => options = value;
    }

    /// <summary>The hook runs where it is called.</summary>
    public bool IsInline { get; } = hook is IInlineBrokerHook;

    /// <summary>After which time an answer is reported to be slow.</summary>
    public TimeSpan SlowTime => options.SlowHookTime;

    /// <summary>Everything that the hook was to be told up to now has been told.</summary>
    public Task Drained
    {
        get
        {
            lock (gate)
                return draining;
        }
    }

    /// <summary>Goes on where hooks run that may block.</summary>
    public HookSwitch SwitchAsync() => new(options.Scheduler);

    /// <summary>The hook threw.</summary>
    public void OnFailed(Exception failure)
    {
        statistics.OnHookFailed();
        options.Logger.HookFailed(failure, hook);
    }

    /// <summary>The hook has been asked for so long that somebody should look at it.</summary>
    public void OnSlow()
    {
        statistics.OnHookSlow();
        options.Logger.HookSlow(hook, options.SlowHookTime);
    }

    /// <summary>Reports the failure of what the hook goes on with alone.</summary>
    public void Observe(Task telling) => telling.ContinueWith(
        static (failed, runner) => ((HookRunner)runner!).OnFailed(failed.Exception!.InnerException!),
        this,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);

    /// <summary>Tells the hook later, in order. Beyond the bound it is not told, which is counted.</summary>
    public void Enqueue(Notice notice)
    {
        lock (gate)
        {
            if (notices.Count >= options.HookQueueCount)
            {
                loses = true;
                statistics.OnHookNoticeLost();
                return;
            }

            notice.Message?.Hold();
            notices.Enqueue(notice);
            if (isDraining)
                return;
            isDraining = true;
            var drained = new TaskCompletionSource();
            draining = drained.Task;
            options.Scheduler.Schedule(state => _ = DrainAsync((TaskCompletionSource)state!), drained);
        }
    }

    private bool TryTake([NotNullWhen(true)] out Notice? notice)
    {
        lock (gate)
        {
            isDraining = notices.TryDequeue(out notice);
            loses &= isDraining;
            isLossReported &= isDraining;
            return isDraining;
        }
    }

    // Here, where no lock of the caller's is held; and once in a row, for what is too slow for its notices would fill the log as well.
    private void ReportLoss()
    {
        if (!Volatile.Read(ref loses) || isLossReported)
            return;
        isLossReported = true;
        options.Logger.HookNoticesLost(hook);
    }

    // Never fails; whoever wants to know when it is over awaits the source's task.
    private async Task DrainAsync(TaskCompletionSource drained)
    {
        while (TryTake(out var notice))
        {
            try
            {
                ReportLoss();
                await notice.TellAsync(hook).ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                OnFailed(failure);
            }

            notice.Message?.Release();
        }

        drained.SetResult();
    }
}
