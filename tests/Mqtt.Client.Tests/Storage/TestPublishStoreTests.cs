namespace Mqtt.Client.Tests;

/// <summary>The double keeps the promises of a store, or it would prove nothing.</summary>
public class TestPublishStoreTests : PublishStoreSpecification
{
    protected override IMqttPublishStore Store { get; } = new TestPublishStore();

    [Fact]
    public async Task It_forgets_what_was_not_safe()
    {
        var store = new TestPublishStore();
        using var holding = store.Hold();
        var queue = await store.OpenAsync("tester");
        var first = queue.WriteAsync([Add(Message(1))]).AsTask();
        (await store.NextWriteAsync()).Commit();
        await first.Soon();
        var second = queue.WriteAsync([Add(Message(2))]).AsTask();
        (await store.NextWriteAsync()).ToString().Should().Be("+2");
        second.IsCompleted.Should().BeFalse();
        store.Crash();

        await second.Soon();
        store.Safe.Select(message => message.Number).Should().Equal(1);
    }
}
