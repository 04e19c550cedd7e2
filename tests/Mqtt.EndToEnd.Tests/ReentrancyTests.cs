namespace Mqtt.EndToEnd.Tests;

/// <summary>Handlers that use their own client.</summary>
public class ReentrancyTests
{
    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_thousand_publishes_subscribes_and_requests_from_inside_handlers_under_full_windows_all_come_to_an_end(MqttProtocolVersion version)
    {
        const int Jobs = 1_000;
        await using var town = await Town.BeginAsync(Transport.Memory, new MqttBrokerOptions { Limits = new() { ReceiveMaximum = 2, InFlightMaximum = 2, InFlightMaximum3 = 2 } });
        var helper = await town.ConnectedAsync("helper", version);
        await helper.SubscribeAsync("ask/+", async (message, cancellationToken) =>
            await helper.PublishAsync($"answer/{message.GetText()}", message.Payload, cancellationToken: cancellationToken));
        var worker = await town.ConnectedAsync("worker", version, options => options with { Limits = new() { ReceiveMaximum = 2 } });
        await using var own = await worker.SubscribeAsync("done", (_, _) => default, QualityOfService.ExactlyOnce);
        await worker.SubscribeAsync("job", (message, cancellationToken) => WorkAsync(worker, message, cancellationToken), QualityOfService.AtLeastOnce);
        var boss = await town.ConnectedAsync("boss", version);
        await using var done = await boss.SubscribeAsync("done", QualityOfService.ExactlyOnce);

        var publishing = Enumerable.Range(0, Jobs).Select(i => boss.PublishAsync("job", $"{i}", QualityOfService.AtLeastOnce).AsTask()).ToArray();
        (await done.TakeAsync(Jobs)).Select(message => message.GetText()).Should().Equal(Enumerable.Range(0, Jobs).Select(i => $"{i}"));
        await Task.WhenAll(publishing).Soon();
    }

    // A request and its answer, for which the handler subscribes and unsubscribes, then two publishes of which it awaits both.
    private static async ValueTask WorkAsync(MqttClient worker, MqttMessage message, CancellationToken cancellationToken)
    {
        var job = message.GetText();
        await using (var answers = await worker.SubscribeAsync($"answer/{job}", cancellationToken: cancellationToken))
        {
            await worker.PublishAsync($"ask/{job}", job, QualityOfService.AtLeastOnce, cancellationToken: cancellationToken);
            (await answers.TakeAsync(1))[0].GetText().Should().Be(job);
        }

        (await worker.PublishAsync("log", job, QualityOfService.AtLeastOnce, cancellationToken: cancellationToken)).EnsureSuccess();
        (await worker.PublishAsync("done", job, QualityOfService.ExactlyOnce, cancellationToken: cancellationToken)).EnsureSuccess();
    }
}
