using System.Collections.Concurrent;

namespace Mqtt.Client.Sqlite;

/// <summary>A thread that does one piece of work after another, for work that blocks. Any thread hands work over; continuations go on at the thread pool.</summary>
internal sealed class StoreThread : IAsyncDisposable
{
    private readonly BlockingCollection<Action> work = [];
    private readonly TaskCompletionSource ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public StoreThread(string name) => new Thread(Work) { Name = name, IsBackground = true }.Start();

    /// <summary>Completes with the result of the work, or with its error.</summary>
    public Task<T> RunAsync<T>(Func<T> piece)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        work.Add(() =>
        {
            try
            {
                done.SetResult(piece());
            }
            catch (Exception error)
            {
                done.SetException(error);
            }
        });
        return done.Task;
    }

    /// <summary>Completes with the work, or with its error.</summary>
    public Task RunAsync(Action piece) => RunAsync(() =>
    {
        piece();
        return true;
    });

    /// <summary>Waits until everything is done that was handed over, and ends the thread.</summary>
    public async ValueTask DisposeAsync()
    {
        work.CompleteAdding();
        await ended.Task.ConfigureAwait(false);
        work.Dispose();
    }

    private void Work()
    {
        foreach (var piece in work.GetConsumingEnumerable())
            piece();
        ended.SetResult();
    }
}
