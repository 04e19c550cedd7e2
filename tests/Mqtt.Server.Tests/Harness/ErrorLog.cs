using Microsoft.Extensions.Logging;

namespace Mqtt.Server.Tests;

/// <summary>Collects what is logged as an error: a test that did not announce it fails.</summary>
internal sealed class ErrorLog : ILogger
{
    private readonly List<string> errors = [];

    public IReadOnlyList<string> Errors
    {
        get
        {
            lock (errors)
                return [.. errors];
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        lock (errors)
            errors.Add($"{formatter(state, exception)} {exception}");
    }

    /// <summary>The test expects what was logged so far.</summary>
    public void Clear()
    {
        lock (errors)
            errors.Clear();
    }
}
