using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>
/// Notices client identifiers that are taken over again and again, since two devices have the same name, and slows their newcomers. Any
/// thread.
/// </summary>
internal sealed class TakeoverWatch(SessionContext context)
{
    private const int WatchedIds = 65_536;
    private const long Minute = 60_000;
    private const long Step = 100;
    private const long LongestPause = 10_000;

    private readonly Lock gate = new();
    private readonly Dictionary<string, (long Since, int Count)> recent = new(StringComparer.Ordinal);

    /// <summary>An identifier was taken over.</summary>
    public void OnTakeover(string clientId)
    {
        if (context.Options.TakeoversPerMinute == 0)
            return;
        int count;
        lock (gate)
        {
            if (recent.Count >= WatchedIds)
                Forget();
            if (recent.Count >= WatchedIds)
                return;
            count = CountOf(clientId) + 1;
            recent[clientId] = (count == 1 ? context.Now : recent[clientId].Since, count);
        }

        if (count == context.Options.TakeoversPerMinute + 1)
            context.Options.Logger.TakenOverOften(clientId, count);
    }

    /// <summary>Completes when the next connection may take the identifier over; <see langword="null"/> if it may at once.</summary>
    public Task? PauseFor(string clientId)
    {
        int over;
        lock (gate)
            over = recent.Count == 0 ? 0 : CountOf(clientId) - context.Options.TakeoversPerMinute;
        if (over <= 0)
            return null;
        var pause = new Pause(context.Options.Scheduler);
        context.Heartbeat.SetAfter(pause, TimeSpan.FromMilliseconds(Math.Min(over * Step, LongestPause)));
        return pause.Ended;
    }

    // A minute after the first of them it begins anew.
    private int CountOf(string clientId) => recent.TryGetValue(clientId, out var seen) && context.Now - seen.Since < Minute ? seen.Count : 0;

    private void Forget()
    {
        foreach (var (clientId, seen) in recent)
        {
            if (context.Now - seen.Since >= Minute)
                recent.Remove(clientId);
        }
    }
}
