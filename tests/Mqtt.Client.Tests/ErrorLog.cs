using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Mqtt.Client.Tests;

/// <summary>Keeps the errors that the client logs; a scene fails at its end if there is one that the test did not take.</summary>
public sealed class ErrorLog : ILoggerFactory, ILogger
{
    private readonly ConcurrentQueue<string> errors = new();

    public string[] Take()
    {
        var taken = errors.ToArray();
        errors.Clear();
        return taken;
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error)
            errors.Enqueue($"{formatter(state, exception)} {exception?.Message}");
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
