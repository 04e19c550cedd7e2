using Mqtt.Server.Broker.Storage;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>A unit of writes of the present thread; the outermost one is the store's.</summary>
internal readonly ref struct StoreUnit
{
    [ThreadStatic]
    private static int depth;

    private readonly IBrokerStore? store;

    public StoreUnit(IBrokerStore? store)
    {
        this.store = store;
        if (store is not null && depth++ == 0)
            store.BeginUnit();
    }

    /// <summary>Ends the unit.</summary>
    public void Dispose()
    {
        if (store is not null && --depth == 0)
            store.EndUnit();
    }
}
