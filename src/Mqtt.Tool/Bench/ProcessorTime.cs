using System.Diagnostics;

namespace Mqtt.Tool.Bench;

/// <summary>Processor time of this process and of the server's.</summary>
/// <param name="ServerId">The server's process; 0 if it is not known.</param>
/// <param name="Own">Of this process.</param>
/// <param name="Server">Of the server; <see langword="null"/> if it is not known.</param>
internal readonly record struct ProcessorTime(int ServerId, TimeSpan Own, TimeSpan? Server)
{
    /// <summary>What they have used since they began.</summary>
    public static ProcessorTime Of(int serverId) => new(serverId, Environment.CpuUsage.TotalTime, OfProcess(serverId));

    /// <summary>What they have used since then.</summary>
    public ProcessorTime Elapsed()
    {
        var now = Of(ServerId);
        return now with { Own = now.Own - Own, Server = now.Server - Server };
    }

    private static TimeSpan? OfProcess(int id)
    {
        if (id == 0)
            return null;
        try
        {
            using var process = Process.GetProcessById(id);
            return process.TotalProcessorTime;
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }
}
