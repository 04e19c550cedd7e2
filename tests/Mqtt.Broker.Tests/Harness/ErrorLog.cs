using Microsoft.Extensions.Logging;

namespace Mqtt.Broker.Tests;

/// <summary>Collects what is logged as an error: a test that did not announce it fails.</summary>
internal sealed class ErrorLog : ILogger
{
    private readonly List<string> errors = [];
    private readonly List<string> warnings = [];

    public IReadOnlyList<string> Errors
    {
        get
        {
            lock (errors)
                return [.. errors];
        }
    }

    /// <summary>What was logged as a warning; it fails no test.</summary>
    public IReadOnlyList<string> Warnings
    {
        get
        {
            lock (errors)
                return [.. warnings];
        }
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        lock (errors)
            (logLevel == LogLevel.Warning ? warnings : errors).Add($"{formatter(state, exception)} {exception}");
    }

    /// <summary>The test expects what was logged so far.</summary>
    public void Clear()
    {
        lock (errors)
            errors.Clear();
    }
}
