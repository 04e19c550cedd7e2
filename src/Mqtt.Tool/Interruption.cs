using System.Runtime.InteropServices;

namespace Mqtt.Tool;

/// <summary>
/// Turns the signals that ask a program to stop into a token: SIGINT and SIGTERM, and SIGPIPE, which says that nobody reads standard
/// output any more. A second signal ends the process as if nobody had listened.
/// </summary>
internal sealed class Interruption : IDisposable
{
    // Not among the named ones, but the number is the same on Linux, macOS and BSD.
    private const PosixSignal BrokenPipe = (PosixSignal)13;

    private readonly CancellationTokenSource stop = new();
    private readonly List<PosixSignalRegistration> registrations = [];

    public Interruption()
    {
        registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop));
        registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop));
        if (!OperatingSystem.IsWindows())
            registrations.Add(PosixSignalRegistration.Create(BrokenPipe, Stop));
    }

    public CancellationToken Token => stop.Token;

    public void Dispose()
    {
        foreach (var registration in registrations)
            registration.Dispose();
        stop.Dispose();
    }

    private void Stop(PosixSignalContext context)
    {
        context.Cancel = !stop.IsCancellationRequested || context.Signal == BrokenPipe;
        stop.Cancel();
    }
}
