using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Services;

namespace Mqtt.Broker.Tests;

/// <summary>A repository of one's own that knows clients, sessions and subscriptions: it is an observer, and takes up what is there when the broker begins.</summary>
public abstract class MonitorTests(StoreKind store) : BrokerTests(store)
{
    public sealed class WithoutStore() : MonitorTests(StoreKind.None);

    public sealed class WithMemoryStore() : MonitorTests(StoreKind.Memory);

    public sealed class WithSlowCommits() : MonitorTests(StoreKind.SlowCommit);

    [Fact]
    public void It_knows_who_is_connected_which_sessions_there_are_and_what_they_subscribe_to()
    {
        var monitor = new Monitor();
        WithBroker = options => options with { Hooks = [monitor] };
        var kept = Resume("kept");
        kept.Subscribe("a", QoS1);
        kept.Subscribe("b");
        kept.Unsubscribe("b");
        var gone = Connect("gone");
        gone.Subscribe("c");
        monitor.Clients.Should().BeEquivalentTo("kept", "gone");

        gone.Disconnect();
        kept.Disconnect();
        Advance(3);

        monitor.Clients.Should().BeEmpty();
        monitor.Sessions.Keys.Should().Equal("kept");
        monitor.Sessions["kept"].Should().BeEquivalentTo("a");
    }

    [Fact]
    public void It_begins_with_what_the_store_has_kept()
    {
        if (!HasStore)
            return;
        var monitor = new Monitor();
        WithBroker = options => options with { Hooks = [monitor] };
        var kept = Resume("kept");
        kept.Subscribe("a", QoS1);
        kept.Disconnect();
        monitor.Clear();

        Harness.Restart();

        monitor.Sessions.Keys.Should().Equal("kept");
        monitor.Sessions["kept"].Should().BeEquivalentTo("a");
        Broker.Sessions.Find("kept").Should().BeOfType<SessionSummary>();
    }

    // Where a program keeps them: here in memory, elsewhere in a database of its own.
    private sealed class Monitor : IBrokerObserver, IConnectionObserver, ISessionObserver, ISubscriptionObserver
    {
        public HashSet<string> Clients { get; } = [];

        public Dictionary<string, HashSet<string>> Sessions { get; } = [];

        public void Clear()
        {
            Clients.Clear();
            Sessions.Clear();
        }

        public ValueTask OnStartedAsync(MqttBroker broker)
        {
            foreach (var session in broker.Sessions)
                Sessions[session.ClientId] = [.. broker.Subscriptions.Of(session.ClientId).Select(one => one.Subscription.Filter.ToString())];
            return default;
        }

        public ValueTask OnStoppedAsync(MqttBroker broker) => default;

        public ValueTask OnSystemTickAsync(MqttBroker broker) => default;

        public ValueTask OnSessionCreatedAsync(string clientId) => Do(() => Sessions[clientId] = []);

        public ValueTask OnSessionResumedAsync(string clientId) => default;

        public ValueTask OnSessionEndedAsync(string clientId, SessionEnd cause) => Do(() => Sessions.Remove(clientId));

        public ValueTask OnConnectedAsync(BrokerClient client, bool resumed) => Do(() => Clients.Add(client.ClientId));

        public ValueTask OnDisconnectedAsync(BrokerClient client, MqttCloseCause cause, bool sessionEnded) => Do(() => Clients.Remove(client.ClientId));

        public ValueTask OnSubscribedAsync(BrokerClient client, TopicSubscription subscription, ReasonCode reasonCode) =>
            Do(() => Sessions[client.ClientId].Add(subscription.Filter.ToString()));

        public ValueTask OnUnsubscribedAsync(BrokerClient client, MqttString filter, ReasonCode reasonCode) => Do(() => Sessions[client.ClientId].Remove(filter.ToString()));

        private static ValueTask Do(Action action)
        {
            action();
            return default;
        }
    }
}
