namespace Mqtt.Client.Tests;

/// <summary>Every buffer goes back to its pool, however things end. Runs alone, since there is one count for the process.</summary>
[Collection(nameof(AllocationTests))]
public class BufferTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_buffer_is_given_back(bool reconnecting)
    {
        var leaks = new BufferLeakCheck();
        await using (var scene = await Scene.ConnectedAsync(options => options with { Reconnect = reconnecting ? Scene.AtOnce : options.Reconnect }, answer: new ConnAckPacket { ReceiveMaximum = 2 }))
        {
            await scene.SubscribedAsync("unread");
            await scene.SubscribedAsync("handled", (_, _) => { });
            var left = scene.Client.Subscribe("left", QualityOfService.AtLeastOnce, new MqttSubscriptionOptions { UnsubscribeOnDispose = false });
            await scene.GrantAsync();
            for (ushort i = 1; i <= 100; i++)
            {
                await scene.DeliverAsync(i % 2 == 0 ? "unread" : "left", new string('x', 1000), QualityOfService.AtLeastOnce, i);
                await scene.DeliverAsync("handled", "x");
                await scene.DeliverAsync("unclaimed", "x");
            }

            await scene.NothingMoreAsync();
            await left.DisposeAsync();
            var publishing = Enumerable.Range(0, 5).Select(_ => scene.Client.PublishAsync("a", "x", QualityOfService.ExactlyOnce).AsTask()).ToArray();
            var packet = await scene.Server.ExpectAsync<PublishPacket>();
            await scene.Server.SendAsync(new PubRecPacket { PacketId = packet.PacketId });
            await scene.Server.SendBytesAsync(new byte[] { 0x30, 100, 0, 1 });
            await scene.BreakAsync();
            var disposing = scene.Client.DisposeAsync();
            foreach (var task in publishing)
                await FluentActions.Awaiting(() => task.Soon()).Should().ThrowAsync<Exception>();
            await disposing;
        }

        leaks.Verify();
    }
}
