using System.Diagnostics;
using Mqtt.Server.Broker;

namespace Mqtt.EndToEnd.Tests;

/// <summary>One trace from the publisher over the broker to whoever gets the message. Listeners hear the whole process, so nothing runs beside.</summary>
[Collection(Alone.Name)]
public class TracingTests
{
    private const string Client = "Mqtt.Client";
    private const string Broker = "Mqtt.Broker";

    public static TheoryData<QualityOfService> Qualities => [QualityOfService.AtMostOnce, QualityOfService.AtLeastOnce, QualityOfService.ExactlyOnce];

    [Theory, MemberData(nameof(Qualities))]
    public async Task A_message_from_client_over_broker_to_client_has_one_trace(QualityOfService qualityOfService)
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var sender = await town.ConnectedAsync("sender");
        var receiver = await town.ConnectedAsync("receiver");
        Activity? inHandler = null;
        await receiver.SubscribeAsync("plant/+/temperature", (_, _) =>
        {
            inHandler = Activity.Current;
            return default;
        }, qualityOfService);
        using var spans = new SpanLog(Client, Broker);
        await sender.PublishAsync("plant/7/temperature", "21.5", qualityOfService).Soon();

        var ended = await spans.TakeAsync(3);
        var publish = ended.Should().ContainSingle(span => span.Kind == ActivityKind.Producer).Subject;
        var route = ended.Should().ContainSingle(span => span.Kind == ActivityKind.Server).Subject;
        var process = ended.Should().ContainSingle(span => span.Kind == ActivityKind.Consumer).Subject;
        (publish.DisplayName, route.DisplayName, process.DisplayName).Should().Be(("publish", "route", "process plant/+/temperature"));
        (publish.ParentSpanId, route.ParentSpanId, process.ParentSpanId).Should().Be((spans.Root.SpanId, publish.SpanId, publish.SpanId));
        inHandler.Should().BeSameAs(process);
        Activity.Current.Should().BeSameAs(spans.Root);
        Tags(publish).Should().Contain(new Dictionary<string, object?>
        {
            ["messaging.system"] = "mqtt",
            ["messaging.operation.type"] = "send",
            ["messaging.operation.name"] = "publish",
            ["messaging.destination.name"] = "plant/7/temperature",
            ["messaging.client.id"] = "sender",
            ["messaging.message.body.size"] = 4,
            ["mqtt.qos"] = (int)qualityOfService,
        });
        Tags(route).Should().Contain(new Dictionary<string, object?> { ["messaging.client.id"] = "sender", ["messaging.operation.name"] = "route", ["messaging.destination.name"] = "plant/7/temperature" });
        Tags(process).Should().Contain(new Dictionary<string, object?>
        {
            ["messaging.operation.type"] = "process",
            ["messaging.destination.template"] = "plant/+/temperature",
            ["messaging.destination.name"] = "plant/7/temperature",
            ["messaging.client.id"] = "receiver",
        });
    }

    [Fact]
    public async Task The_trace_goes_on_although_nobody_listens_to_client_and_broker()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = await town.ConnectedAsync("client");
        var messages = await client.SubscribeAsync("a");
        using var spans = new SpanLog();
        spans.Root.TraceStateString = "vendor=1";
        await client.PublishAsync("a", "").Soon();

        var message = (await messages.TakeAsync(1))[0];
        message.UserProperties["traceparent"].ToString().Should().Be(spans.Root.Id);
        message.UserProperties["tracestate"].ToString().Should().Be("vendor=1");
        message.StartActivity().Should().BeNull();
    }

    [Fact]
    public async Task Without_a_trace_nothing_is_added()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = await town.ConnectedAsync("client");
        var messages = await client.SubscribeAsync("a");
        await client.PublishAsync("a", "").Soon();

        (await messages.TakeAsync(1))[0].UserProperties.Should().BeEmpty();
    }

    [Fact]
    public async Task A_3_client_has_no_place_for_a_trace_and_is_traced_by_itself()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = await town.ConnectedAsync("client", MqttProtocolVersion.V311);
        using var spans = new SpanLog(Client);
        (await client.PublishAsync("a", "", QualityOfService.AtLeastOnce).Soon()).IsSuccess.Should().BeTrue();

        (await spans.TakeAsync(1))[0].DisplayName.Should().Be("publish");
    }

    [Fact]
    public async Task Messages_of_a_stream_are_traced_by_whoever_reads_it()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = await town.ConnectedAsync("client");
        var messages = await client.SubscribeAsync("a");
        using var spans = new SpanLog(Client);
        await client.PublishAsync("a", "").Soon();
        var publish = (await spans.TakeAsync(1))[0];

        using (var activity = (await messages.TakeAsync(1))[0].StartActivity())
            activity!.ParentSpanId.Should().Be(publish.SpanId);
    }

    [Fact]
    public async Task A_message_that_is_passed_on_belongs_to_what_the_program_is_doing_now()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = await town.ConnectedAsync("client");
        var messages = await client.SubscribeAsync("b");
        using var spans = new SpanLog(Client);
        var old = new MqttMessage("b", "") { UserProperties = [("kept", "1"), ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), ("tracestate", "old=1")] };
        await client.PublishAsync(old).Soon();

        var publish = (await spans.TakeAsync(1))[0];
        publish.ParentSpanId.Should().Be(spans.Root.SpanId);
        (await messages.TakeAsync(1))[0].UserProperties.Select(pair => $"{pair.Name}={pair.Value}").Should().Equal("kept=1", $"traceparent={publish.Id}");
    }

    [Fact]
    public async Task A_handler_that_throws_and_a_refused_publish_end_their_spans_with_an_error()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = await town.ConnectedAsync("client");
        await client.SubscribeAsync("a", (_, _) => throw new InvalidOperationException("broken"));
        using var spans = new SpanLog(Client);
        await client.PublishAsync("a", "").Soon();
        await client.PublishAsync("$SYS/mine", "", QualityOfService.AtLeastOnce).Soon();

        var ended = await spans.TakeAsync(3);
        var process = ended.Single(span => span.Kind == ActivityKind.Consumer);
        (process.Status, process.StatusDescription, process.GetTagItem("error.type")).Should().Be((ActivityStatusCode.Error, "broken", typeof(InvalidOperationException).FullName));
        var refused = ended.Single(span => (string?)span.GetTagItem("messaging.destination.name") == "$SYS/mine");
        (refused.Status, refused.GetTagItem("error.type")).Should().Be((ActivityStatusCode.Error, nameof(ReasonCode.TopicNameInvalid)));
    }

    [Fact]
    public async Task A_handler_is_not_part_of_what_the_program_was_doing_when_it_subscribed()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        var client = await town.ConnectedAsync("client");
        var seen = new TaskCompletionSource<Activity?>();
        using (var spans = new SpanLog())
        {
            await client.SubscribeAsync("a", (_, _) =>
            {
                seen.TrySetResult(Activity.Current);
                return default;
            });
        }

        await client.PublishAsync("a", "").Soon();
        (await seen.Task.Soon()).Should().BeNull();
    }

    [Fact]
    public async Task What_the_program_of_the_broker_publishes_and_handles_is_part_of_its_trace()
    {
        await using var town = await Town.BeginAsync(Transport.Memory);
        await using var app = await town.Broker.ConnectAsync("app");
        await app.SubscribeAsync("a/#", (_, _) => default, QualityOfService.AtLeastOnce);
        using var spans = new SpanLog(Broker);
        await town.Broker.PublishAsync("a/direct", "").Soon();
        await app.PublishAsync("a/client", "", QualityOfService.AtLeastOnce).Soon();

        var ended = await spans.TakeAsync(4);
        var publish = ended.Single(span => span.Kind == ActivityKind.Producer);
        var route = ended.Single(span => span.Kind == ActivityKind.Server);
        var (direct, byClient) = (Processing(ended, "a/direct"), Processing(ended, "a/client"));
        direct.ParentSpanId.Should().Be(publish.SpanId);
        (route.ParentSpanId, byClient.ParentSpanId).Should().Be((spans.Root.SpanId, spans.Root.SpanId));
        direct.DisplayName.Should().Be("process a/#");
    }

    private static Activity Processing(Activity[] ended, string topic) =>
        ended.Single(span => span.Kind == ActivityKind.Consumer && (string?)span.GetTagItem("messaging.destination.name") == topic);

    private static Dictionary<string, object?> Tags(Activity activity) => activity.TagObjects.ToDictionary(tag => tag.Key, tag => tag.Value);
}
