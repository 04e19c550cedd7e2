namespace Mqtt.Tool;

/// <summary>What the program says to a script.</summary>
internal static class ExitCode
{
    /// <summary>Done; or stopped by SIGINT or SIGTERM, where running until then is what was asked for.</summary>
    public const int Success = 0;

    /// <summary>It did not work: not reachable, refused, taken. The reason stands on standard error.</summary>
    public const int Failure = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>The time given with <c>-W</c> is over; the number is mosquitto_sub's.</summary>
    public const int Timeout = 27;
}
