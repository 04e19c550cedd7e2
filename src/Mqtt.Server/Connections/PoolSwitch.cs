using System.Runtime.CompilerServices;

namespace Mqtt.Server.Connections;

/// <summary>Awaited, it goes on on the thread pool, wherever it was before: user code must not run on a loop that others share.</summary>
internal readonly struct PoolSwitch : ICriticalNotifyCompletion
{
    public bool IsCompleted => false;

    public PoolSwitch GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) =>
        ThreadPool.UnsafeQueueUserWorkItem(static resume => resume(), continuation, preferLocal: true);
}
