namespace Mqtt.EndToEnd.Tests;

/// <summary>Topics with named levels, at the client.</summary>
public class TopicMapTests
{
    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public async Task A_mapped_handler_gets_the_messages_of_its_template_in_order_with_their_parameters(MqttProtocolVersion version)
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = await town.ConnectedAsync("client", version);
        var seen = new List<string>();
        var all = new TaskCompletionSource();
        await using var subscription = await client.MapAsync("plant/{id}/temperature", async (message, parameters, _) =>
        {
            await Task.Yield();
            seen.Add($"{parameters["id"]}: {message.GetText()}");
            if (seen.Count == 3)
                all.SetResult();
        }, QualityOfService.AtLeastOnce);
        subscription.Filters[0].Filter.ToString().Should().Be("plant/+/temperature");

        await client.PublishAsync("plant/7/temperature", "1", QualityOfService.AtLeastOnce).Soon();
        await client.PublishAsync("plant/7/pressure", "2", QualityOfService.AtLeastOnce).Soon();
        await client.PublishAsync("plant/8/temperature", "3", QualityOfService.AtLeastOnce).Soon();
        await client.PublishAsync("plant//temperature", "4", QualityOfService.AtLeastOnce).Soon();
        await all.Task.WaitAsync(TimeSpan.FromSeconds(30));

        seen.Should().Equal("7: 1", "8: 3", ": 4");
    }

    [Fact]
    public async Task A_rest_and_a_shared_group_are_mapped_as_well()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = await town.ConnectedAsync("client");
        var seen = new TaskCompletionSource<string>();
        await using var subscription = await client.MapAsync("$share/workers/jobs/{rest...}", (_, parameters, _) =>
        {
            seen.TrySetResult(parameters["rest"].ToString());
            return default;
        });

        await client.PublishAsync("jobs/a/b", "x").Soon();

        (await seen.Task.WaitAsync(TimeSpan.FromSeconds(30))).Should().Be("a/b");
    }

    [Fact]
    public async Task A_handler_that_was_mapped_before_the_connection_gets_its_messages()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = town.Client("client");
        var seen = new TaskCompletionSource<string>();
        await using var subscription = client.Map("{a}/{b}", (_, parameters, _) =>
        {
            seen.TrySetResult($"{parameters["a"]} {parameters["b"]}");
            return default;
        });

        await client.ConnectAsync();
        await subscription.WaitForAnswersAsync();
        await client.PublishAsync("x/y", "").Soon();

        (await seen.Task.WaitAsync(TimeSpan.FromSeconds(30))).Should().Be("x y");
    }

    [Fact]
    public async Task What_is_no_template_is_refused_at_once()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = town.Client("client");

        FluentActions.Invoking(() => client.Map("plant/+", (_, _, _) => default)).Should().Throw<ArgumentException>();
    }
}
