namespace Mqtt.Server.Broker.Storage;

/// <summary>Keeps what a broker has counted, so that the next one counts on. See <see cref="IBrokerStore"/> for what a position is.</summary>
public interface ICounterStore
{
    /// <summary>Keeps these counters in place of the last ones, all of them or none.</summary>
    long Save(IReadOnlyDictionary<string, long> counters);

    /// <summary>The counters that were kept last; empty if there are none. One that the broker does not know it passes over.</summary>
    IReadOnlyDictionary<string, long> Load();
}
