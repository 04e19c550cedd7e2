using System.Collections.Concurrent;
using System.Diagnostics;

namespace Mqtt.EndToEnd.Tests;

/// <summary>Keeps the spans of clients and brokers that belong to its own trace, as they end.</summary>
public sealed class SpanLog : IDisposable
{
    private readonly ConcurrentQueue<Activity> ended = new();
    private readonly SemaphoreSlim arrived = new(0);
    private readonly ActivityListener listener;

    /// <summary>Begins a trace; what the test does from here on belongs to it.</summary>
    /// <param name="sources">The sources to listen to; none is listened to without any.</param>
    public SpanLog(params string[] sources)
    {
        listener = new ActivityListener
        {
            ShouldListenTo = source => sources.Contains(source.Name),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = OnEnded,
        };
        ActivitySource.AddActivityListener(listener);
        Root = new Activity("test").Start();
    }

    public Activity Root { get; }

    /// <summary>So many spans, which are sure to come.</summary>
    public async Task<Activity[]> TakeAsync(int count)
    {
        for (var i = 0; i < count; i++)
            (await arrived.WaitAsync(TimeSpan.FromSeconds(30))).Should().BeTrue("a span more ends");
        return [.. ended];
    }

    public void Dispose()
    {
        Root.Dispose();
        listener.Dispose();
    }

    private void OnEnded(Activity activity)
    {
        if (activity.TraceId != Root.TraceId)
            return;
        ended.Enqueue(activity);
        arrived.Release();
    }
}
