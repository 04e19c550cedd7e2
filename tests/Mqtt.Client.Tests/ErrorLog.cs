using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Mqtt.Client.Tests;

/// <summary>Keeps the errors that the client logs; a scene fails at its end if there is one that the test did not take.</summary>
public sealed class ErrorLog : ILoggerFactory, ILogger
{
    private readonly Channel<string> errors = Channel.CreateUnbounded<string>();

    /// <summary>The next error, which may be logged after what it leads to was seen.</summary>
    public Task<string> NextAsync() => errors.Reader.ReadAsync().Soon();

    /// <summary>What is left.</summary>
    public IEnumerable<string> TakeAll()
    {
        while (errors.Reader.TryRead(out var error))
            yield return error;
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (logLevel >= LogLevel.Error)
            errors.Writer.TryWrite($"{formatter(state, exception)} {exception?.Message}");
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
