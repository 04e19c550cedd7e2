using Mqtt.Server.EventLoops;

namespace Mqtt.Channels.Tests;

/// <summary>How a test waits for a loop, and makes it wait.</summary>
internal static class LoopSignals
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Waits until a loop has done what it was told before.</summary>
    public static Task SettleAsync(this EventLoop loop)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(done.SetResult);
        return done.Task.WaitAsync(Patience);
    }

    /// <summary>Holds a loop until the result is disposed; what becomes ready meanwhile comes in one round.</summary>
    public static async Task<IDisposable> HoldAsync(this EventLoop loop)
    {
        var hold = new Hold();
        loop.Post(hold.Run);
        await hold.Begun.Task.WaitAsync(Patience);
        return hold;
    }

    private sealed class Hold : IDisposable
    {
        private readonly ManualResetEventSlim released = new();

        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Run()
        {
            Begun.SetResult();
            released.Wait(Patience);
        }

        public void Dispose() => released.Set();
    }
}
