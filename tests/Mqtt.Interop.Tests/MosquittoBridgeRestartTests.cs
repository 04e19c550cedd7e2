using System.Text;
using Mqtt.Server;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Interop.Tests;

/// <summary>Our broker restarts while mosquitto's is tied to it. A class of its own: the bridge takes a few seconds to come back, and others need not wait.</summary>
public class MosquittoBridgeRestartTests
{
    private static readonly string[] Messages = [.. Enumerable.Range(1, 20).Select(number => $"{number}")];

    public static MatrixTheoryData<string, bool> Bridges => new(["mqttv311", "mqttv5"], [true, false]);

    [Theory, MemberData(nameof(Bridges))]
    public async Task A_bridge_brings_each_message_once_and_in_order_over_a_restart_of_our_broker(string version, bool isPrivate)
    {
        await using var ours = await OurBroker.StartAsync(new MqttBrokerOptions { Store = new MemoryStore() });
        await using var theirs = await DebianMosquitto.BridgeAsync(
            ours, version, isPrivate, "topic out/1 out 1", "topic out/2 out 2", "topic in/1 in 1", "topic in/2 in 2", "cleansession false");
        await using var far = await Mosquitto.SubscribeAsync(theirs, version, "far", "-t", "in/#", "-q", "2", "-C", "40", "-v");

        await ours.StopAsync();
        await PublishAsync(theirs, version, "out");
        await ours.StartAgainAsync();
        await using var near = await Mosquitto.SubscribeAsync(ours, version, "near", "-t", "out/#", "-q", "2", "-C", "40", "-v");

        // In 5.0 this bridge asks for no session expiry, so that its session, and what would wait in it, ends with its connection.
        if (version == "mqttv5")
        {
            await ours.SubscribedAsync("bridge");
            await ours.SubscribedAsync("bridge");
        }

        await PublishAsync(ours, version, "in");

        ShouldBeComplete(await near.SucceedAsync(), "out");
        ShouldBeComplete(await far.SucceedAsync(), "in");
    }

    // All of each quality are published with one connection.
    private static async Task PublishAsync(IServer server, string version, string direction)
    {
        var input = Encoding.UTF8.GetBytes(string.Concat(Messages.Select(message => $"{message}\n")));
        for (var quality = 1; quality <= 2; quality++)
            await Mosquitto.PublishAsync(server, version, input, "-t", $"{direction}/{quality}", "-q", $"{quality}", "-l");
    }

    // Order holds for each topic.
    private static void ShouldBeComplete(ProgramResult received, string direction)
    {
        for (var quality = 1; quality <= 2; quality++)
            received.Lines.Where(line => line.StartsWith($"{direction}/{quality} ")).Should().Equal(Messages.Select(message => $"{direction}/{quality} {message}"));
    }
}
