using System.Collections.Concurrent;

namespace Mqtt.Client.Tests;

/// <summary>The process ends at each write to the store in turn, before it is safe or just after; the next process finds what was safe, and the broker what had come.</summary>
public class StoreCrashTests
{
    private const int MessageCount = 9;

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task Nothing_that_was_taken_is_lost_or_overtaken_and_QoS_2_comes_once(bool isConnected, bool crashesAfterCommit)
    {
        var crashes = 0;
        while (await CrashesAsync(new TestPublishStore { CrashAt = crashes, CrashesAfterCommit = crashesAfterCommit }, isConnected))
            crashes++;

        crashes.Should().BeGreaterThan(isConnected ? MessageCount : 1);
    }

    // False if everything was done before the write at which the process was to end.
    private static async Task<bool> CrashesAsync(TestPublishStore store, bool isConnected)
    {
        await using var broker = new TestBroker();
        var received = new ConcurrentQueue<string>();
        var isOver = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var receiver = await broker.ConnectClientAsync("receiver");
        await using var subscription = await receiver.SubscribeAsync("#", (message, _) =>
        {
            received.Enqueue(message.GetText());
            if (message.Topic == "end")
                isOver.TrySetResult();
            return default;
        }, QualityOfService.ExactlyOnce);

        var taken = await RunAsync(broker, store, isConnected);
        await using var next = Client(broker, store);
        await next.ConnectAsync().Soon();
        await next.EnqueueAsync(new MqttMessage("end", "end") { QualityOfService = QualityOfService.ExactlyOnce }).Soon();
        await isOver.Task.Soon();

        var firsts = received.Distinct().ToList();
        foreach (var sameQoS in firsts.Where(text => text != "end").GroupBy(QoSOf))
            sameQoS.Should().BeInAscendingOrder("nobody is overtaken: {0}", string.Join(' ', received));
        taken.Where(text => QoSOf(text) != QualityOfService.AtMostOnce).Should().BeSubsetOf(firsts);
        received.Where(text => QoSOf(text) != QualityOfService.AtLeastOnce).Should().OnlyHaveUniqueItems();
        return store.Crashed.IsCompleted;
    }

    // Which messages were said to be taken before the process ended.
    private static async Task<List<string>> RunAsync(TestBroker broker, TestPublishStore store, bool isConnected)
    {
        var taken = new List<string>();
        var client = Client(broker, store);
        if (isConnected)
            await client.ConnectAsync().Soon();
        for (var i = 1; i <= MessageCount && !store.Crashed.IsCompleted; i++)
        {
            var text = $"{i}";
            var enqueueing = client.EnqueueAsync(new MqttMessage("a", text) { QualityOfService = QoSOf(text) }).AsTask();
            if (await Task.WhenAny(enqueueing, store.Crashed).Soon() == enqueueing)
                taken.Add(text);
        }

        if (!isConnected && !store.Crashed.IsCompleted)
            await client.ConnectAsync().Soon();
        await EndAsync(broker, store, client);
        return taken;
    }

    // What is owed is delivered, or the process ends before; it is cut off before it is let go, so that nothing more comes from it.
    private static async Task EndAsync(TestBroker broker, TestPublishStore store, MqttClient client)
    {
        await Task.WhenAny(store.WhenEmptyAsync(), store.Crashed).Soon();
        foreach (var connection in broker.Connections.Skip(1))
            connection.Abort();
        store.Crash();
        await client.DisposeAsync();
    }

    private static MqttClient Client(TestBroker broker, TestPublishStore store) =>
        broker.CreateClient("tester", options => options with { Reconnect = new() { Enabled = false }, Queue = new() { Store = store } });

    private static QualityOfService QoSOf(string text) => text == "end" ? QualityOfService.ExactlyOnce : (QualityOfService)(int.Parse(text) % 3);
}
