using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Mqtt.Tool.Serve;

/// <summary>Logs to standard error, a line for each event: errors always, and everything if verbose, then with the cause in full.</summary>
internal sealed class TerminalLogger(TextWriter error, bool isVerbose) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= (isVerbose ? LogLevel.Information : LogLevel.Error) && logLevel != LogLevel.None;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        var cause = exception is null ? "" : $" {(isVerbose ? exception.ToString() : exception.Message)}";
        error.WriteLine($"{DateTime.Now.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture)} {formatter(state, exception)}{cause}");
    }
}
