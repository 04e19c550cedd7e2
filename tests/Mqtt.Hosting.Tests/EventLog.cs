using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Mqtt.Hosting.Tests;

/// <summary>Keeps what is logged, by number.</summary>
public sealed class EventLog : ILoggerFactory
{
    private readonly ConcurrentDictionary<int, Channel<string>> events = new();

    /// <summary>The next event of this number: category and text.</summary>
    public Task<string> NextAsync(int eventId) => Of(eventId).Reader.ReadAsync().Soon();

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public void Dispose()
    {
    }

    private Channel<string> Of(int eventId) => events.GetOrAdd(eventId, _ => Channel.CreateUnbounded<string>());

    private sealed class Logger(EventLog log, string category) : ILogger
    {
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Of(eventId.Id).Writer.TryWrite($"{category}: {formatter(state, exception)}");

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;
    }
}
