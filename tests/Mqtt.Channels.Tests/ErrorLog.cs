using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Mqtt.Channels.Tests;

/// <summary>Collects the exceptions that are logged as errors; those that a test did not wait for fail it.</summary>
internal sealed class ErrorLog : ILogger
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Channel<Exception> errors = Channel.CreateUnbounded<Exception>();

    /// <summary>Waits for the next error.</summary>
    public Task<Exception> NextAsync() => errors.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>Fails if there are more.</summary>
    public void Verify() => (errors.Reader.TryRead(out var error) ? error : null).Should().BeNull("nothing may fail that was not announced");

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            errors.Writer.TryWrite(exception ?? new InvalidOperationException(formatter(state, exception)));
    }
}
