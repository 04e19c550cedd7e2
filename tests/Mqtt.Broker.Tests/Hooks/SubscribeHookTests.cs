using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>What hooks make of subscriptions.</summary>
public abstract class SubscribeHookTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : SubscribeHookTests(StoreKind.None);

    public sealed class WithMemoryStore() : SubscribeHookTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : SubscribeHookTests(StoreKind.SlowCommit);

    [Theory, InlineData(true), InlineData(false)]
    public void A_hook_changes_filter_identifier_and_options_and_the_filter_is_taken_out_the_same_way(bool inline)
    {
        Ask(inline, new Asked
        {
            Subscribe = request =>
            {
                request.Subscription = request.Subscription with { Filter = "changed/" + request.Asked.Filter, RetainAsPublished = true };
                request.Identifier = 77;
                return default;
            },
            Unsubscribe = request =>
            {
                request.Filter = "changed/" + request.Asked;
                return default;
            },
        });
        var publisher = Connect("publisher");
        publisher.Publish("changed/t", "kept", retain: true);
        var client = Connect("client");

        client.Subscribe("t", QoS1).ReasonCodes.Should().Equal(ReasonCode.GrantedQoS1);
        Has(client.Receive("changed/t", "kept"));
        publisher.Publish("t", "not this one");
        publisher.Publish("changed/t", "live", QoS1, retain: true);
        Has(client.Receive("changed/t", "live"));
        client.Unsubscribe("t").ReasonCodes.Should().Equal(ReasonCode.Success);
        publisher.Publish("changed/t", "too late", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);

        static void Has(PublishPacket message)
        {
            message.Retain.Should().BeTrue();
            message.SubscriptionIdentifiers.ToArray().Should().Equal(77u);
        }
    }

    [Theory, Versions]
    public void A_hook_grants_less_for_one_filter_and_refuses_another(MqttProtocolVersion version)
    {
        Ask(inline: true, new Asked
        {
            Subscribe = request =>
            {
                if (request.Asked.Filter == "refused")
                    request.Refuse(ReasonCode.QuotaExceeded);
                request.Grant(QoS1);
                return default;
            },
        });
        var client = Connect("client", version);
        var refusal = version switch
        {
            MqttProtocolVersion.V500 => ReasonCode.QuotaExceeded,
            MqttProtocolVersion.V311 => ReasonCode.UnspecifiedError,
            _ => ReasonCode.GrantedQoS0,
        };

        client.Subscribe([new("a", QoS2), new("refused", QoS2), new("b")]).ReasonCodes.Should().Equal(ReasonCode.GrantedQoS1, refusal, ReasonCode.GrantedQoS0);

        var publisher = Connect("publisher");
        publisher.Publish("refused", "1", QoS2);
        publisher.Publish("a", "2", QoS2);
        client.Receive("a", "2").QualityOfService.Should().Be(QoS1);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Who_may_not_subscribe_is_refused_filter_by_filter_before_any_hook_is_asked(bool inline)
    {
        var asked = new List<string>();
        Ask(inline, new Asked
        {
            MaySubscribe = (client, subscription) => new(subscription.Filter != "secret/#"),
            Subscribe = request =>
            {
                asked.Add(request.Asked.Filter.ToString());
                return default;
            },
        });
        var client = Connect("client");

        client.Subscribe([new("secret/#"), new("open/#")]).ReasonCodes.Should().Equal(ReasonCode.NotAuthorized, ReasonCode.GrantedQoS0);

        asked.Should().Equal("open/#");
        Connect("publisher").Publish("secret/a", "1", QoS1).Should().Be(ReasonCode.NoMatchingSubscribers);
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_subscription_hook_that_throws_refuses_its_own_filter_alone(bool inline)
    {
        Ask(inline, new Asked
        {
            Subscribe = request => request.Asked.Filter == "bad" ? throw new InvalidOperationException("as announced") : default,
            Unsubscribe = request => request.Asked == "good" ? throw new InvalidOperationException("as announced") : default,
            MaySubscribe = (_, subscription) => subscription.Filter == "worse" ? throw new InvalidOperationException("as announced") : new(true),
        });
        var client = Connect("client");

        client.Subscribe([new("bad"), new("good"), new("worse")]).ReasonCodes.Should()
            .Equal(ReasonCode.ImplementationSpecificError, ReasonCode.GrantedQoS0, ReasonCode.NotAuthorized);
        client.Unsubscribe("good", "bad").ReasonCodes.Should().Equal(ReasonCode.ImplementationSpecificError, ReasonCode.NoSubscriptionExisted);

        Connect("publisher").Publish("good", "still there", QoS1).Should().Be(ReasonCode.Success);
        client.Receive("good", "still there");
        Broker.Statistics.HookFailures.Should().Be(3);
        Harness.Log.Errors.Should().HaveCount(3);
        Harness.Log.Clear();
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Observers_see_each_filter_with_its_answer(bool inline)
    {
        var recorder = inline ? new InlineRecorder { Only = ["sub", "unsub"] } : new Recorder { Only = ["sub", "unsub"] };
        Ask(
            inline: true,
            new Asked
            {
                Subscribe = request =>
                {
                    if (request.Asked.Filter == "refused")
                        request.Refuse();
                    return default;
                },
                Unsubscribe = request =>
                {
                    if (request.Asked == "a")
                        request.Refuse();
                    return default;
                },
            },
            recorder);
        var client = Connect("client");

        client.Subscribe([new("a", QoS1), new("refused"), new("b")]);
        client.Unsubscribe("a", "b", "c");

        recorder.Take().Should().Equal(
            "subscribed client a 01", "subscribed client refused 87", "subscribed client b 00",
            "unsubscribed client a 87", "unsubscribed client b 00", "unsubscribed client c 11");
    }

    private void Ask(bool inline, Asked asked, params IBrokerHook[] others) => WithBroker = options => options with { Hooks = [asked.On(inline), .. others] };
}
