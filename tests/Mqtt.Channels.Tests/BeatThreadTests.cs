using Mqtt.Server.Time;

namespace Mqtt.Channels.Tests;

public sealed class BeatThreadTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task It_beats_again_and_again_on_one_thread_that_is_not_the_pools()
    {
        var threads = new List<(int Id, bool IsOfThePool)>();
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var beats = new BeatThread(
            () =>
            {
                threads.Add((Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread));
                if (threads.Count == 3)
                    enough.SetResult();
            },
            TimeSpan.FromMilliseconds(1));
        await enough.Task.WaitAsync(Patience);
        await beats.DisposeAsync();

        threads.Distinct().Should().ContainSingle().Which.IsOfThePool.Should().BeFalse();
    }

    [Fact]
    public async Task Whoever_ends_it_waits_for_the_beat_that_is_under_way()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var released = new ManualResetEventSlim();
        var beats = new BeatThread(
            () =>
            {
                begun.TrySetResult();
                released.Wait(Patience);
            },
            TimeSpan.FromMilliseconds(1));
        await begun.Task.WaitAsync(Patience);
        var ending = beats.DisposeAsync().AsTask();
        ending.IsCompleted.Should().BeFalse();
        released.Set();

        await ending.WaitAsync(Patience);
        await beats.DisposeAsync();
    }

    [Fact]
    public async Task It_can_be_ended_from_within()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var itself = new TaskCompletionSource<BeatThread>(TaskCreationOptions.RunContinuationsAsynchronously);
        var beats = new BeatThread(
            () =>
            {
                itself.Task.Result.DisposeAsync().AsTask().Wait(Patience).Should().BeTrue();
                done.SetResult();
            },
            TimeSpan.FromMilliseconds(1));
        itself.SetResult(beats);

        await done.Task.WaitAsync(Patience);
        await beats.DisposeAsync();
    }
}
