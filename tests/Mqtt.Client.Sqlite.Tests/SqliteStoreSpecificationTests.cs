namespace Mqtt.Client.Sqlite.Tests;

public class SqliteStoreSpecificationTests : PublishStoreSpecification
{
    private readonly StoreFolder folder = new();

    protected override IMqttPublishStore Store => new MqttSqliteStore(folder.File);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        folder.Dispose();
        GC.SuppressFinalize(this);
    }
}
