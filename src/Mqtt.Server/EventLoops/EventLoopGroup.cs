using Microsoft.Extensions.Logging;

namespace Mqtt.Server.EventLoops;

/// <summary>The loops of a server; connections are spread over them in turn, and stay where they are.</summary>
internal sealed class EventLoopGroup : IDisposable
{
    private readonly EventLoop?[] loops;
    private uint next;

    public EventLoopGroup(int count, ILogger logger)
    {
        loops = new EventLoop?[count];
        try
        {
            for (var i = 0; i < count; i++)
                loops[i] = new EventLoop($"mqtt-loop-{i}", logger);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>True where the system has what the loops need.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>How many loops there are.</summary>
    public int Count => loops.Length;

    /// <summary>The loop for the next connection.</summary>
    public EventLoop Next() => loops[Interlocked.Increment(ref next) % (uint)loops.Length]!;

    public void Dispose()
    {
        foreach (var loop in loops)
            loop?.Dispose();
    }
}
