using Mqtt.Client;
using Mqtt.Protocol;

namespace Mqtt.Testing.Tests;

public class ScriptedServerTests
{
    [Fact]
    public async Task It_says_to_each_connection_what_the_test_says()
    {
        await using var server = new ScriptedServer();
        await using var client = new MqttClient(new MqttClientOptions { ConnectChannel = server.ConnectChannelAsync });
        var refused = client.ConnectAsync();
        await (await server.NextConnectionAsync()).AcceptAsync(new ConnAckPacket { ReasonCode = ReasonCode.ServerBusy });
        (await FluentActions.Awaiting(() => refused.AsTask()).Should().ThrowAsync<MqttRefusedException>()).Which.ReasonCode.Should().Be(ReasonCode.ServerBusy);

        var accepted = client.ConnectAsync();
        await (await server.NextConnectionAsync()).AcceptAsync();
        (await accepted).SessionPresent.Should().BeFalse();
    }

    [Fact]
    public async Task A_connection_that_is_not_opened_fails_the_test()
    {
        await using var server = new ScriptedServer { Patience = TimeSpan.FromMilliseconds(1) };

        await FluentActions.Awaiting(() => server.NextConnectionAsync().AsTask()).Should().ThrowAsync<ScriptFailedException>();
    }
}
