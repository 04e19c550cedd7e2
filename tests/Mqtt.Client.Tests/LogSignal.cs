using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Mqtt.Client.Tests;

/// <summary>Tells when the client logs an event.</summary>
/// <param name="awaited">Its number.</param>
public sealed class LogSignal(int awaited) : ILoggerFactory, ILogger
{
    private readonly TaskCompletionSource seen = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the event is logged.</summary>
    public Task Seen => seen.Task;

    /// <summary>The numbers of all events, in their order.</summary>
    public ConcurrentQueue<int> Ids { get; } = new();

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        Ids.Enqueue(eventId.Id);
        if (eventId.Id == awaited)
            seen.TrySetResult();
    }

    public ILogger CreateLogger(string categoryName) => this;

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }
}
