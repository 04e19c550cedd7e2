using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker;

// The totals by name, as stores keep them.
public sealed partial class BrokerStatistics
{
    /// <summary>All totals.</summary>
    internal Dictionary<string, long> Counters()
    {
        var counters = new Dictionary<string, long>(StringComparer.Ordinal)
        {
            ["connections"] = Connections,
            ["connected/maximum"] = MaximumConnected,
            ["sessions/created"] = SessionsCreated,
            ["sessions/resumed"] = SessionsResumed,
            ["publishers/paused"] = PublisherPauses,
            ["hooks/failed"] = HookFailures,
            ["hooks/slow"] = SlowHooks,
            ["hooks/lost"] = HookNoticesLost,
        };
        foreach (var cause in Enum.GetValues<SessionEnd>())
            counters[Name(cause)] = SessionsEnded(cause);
        foreach (var cause in Enum.GetValues<DropCause>())
            counters[Name(cause)] = Dropped(cause);
        Traffic.AddTo(counters);
        return counters;
    }

    /// <summary>Counts on from totals that were kept. Before the broker takes its first packet.</summary>
    internal void Restore(IReadOnlyDictionary<string, long> counters)
    {
        connections = disconnections = Of("connections");
        mostConnected = Of("connected/maximum");
        created = Of("sessions/created");
        resumed = Of("sessions/resumed");
        publisherPauses = Of("publishers/paused");
        hookFailures = Of("hooks/failed");
        slowHooks = Of("hooks/slow");
        hookNoticesLost = Of("hooks/lost");
        foreach (var cause in Enum.GetValues<SessionEnd>())
            ended[(int)cause] = Of(Name(cause));
        foreach (var cause in Enum.GetValues<DropCause>())
            dropped[(int)cause] = Of(Name(cause));
        ofEndedThreads.Add(new Traffic(counters));

        long Of(string name) => counters.GetValueOrDefault(name);
    }

    private static string Name(SessionEnd cause) => $"sessions/ended/{cause}";

    private static string Name(DropCause cause) => $"dropped/{cause}";
}
