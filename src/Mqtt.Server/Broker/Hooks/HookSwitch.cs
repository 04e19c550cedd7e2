using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>Awaited, it goes on where hooks run that may block.</summary>
internal readonly struct HookSwitch(PipeScheduler scheduler) : ICriticalNotifyCompletion
{
    public bool IsCompleted => false;

    public HookSwitch GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => scheduler.Schedule(static resume => ((Action)resume!)(), continuation);
}
