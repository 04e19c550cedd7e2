using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Rules;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Broker.Tests;

/// <summary>Stores and hooks by name.</summary>
public sealed class ProviderTests
{
    private readonly BrokerProviders providers = new();

    [Fact]
    public void What_was_added_is_made_by_name_from_its_settings_whatever_the_case()
    {
        providers.Hooks.Add("auth", settings => new BasicHook(request => request.UserName == settings["user"] ? AuthenticationResult.Allowed : null));

        var hook = providers.Hooks.Create("Auth", new Dictionary<string, string> { ["user"] = "me" });

        hook.Should().BeOfType<BasicHook>();
        providers.Hooks.Create("auth").Should().NotBeSameAs(hook);
    }

    [Fact]
    public void A_broker_runs_with_what_was_chosen_by_name()
    {
        providers.Hooks.Add("auth", settings => new BasicHook(request => request.UserName == settings["user"] ? AuthenticationResult.Allowed : null));
        var store = providers.Stores.Create("memory");
        var hook = providers.Hooks.Create("auth", new Dictionary<string, string> { ["user"] = "me" });
        using var harness = new BrokerHarness(store, options => options with { Hooks = [hook] });

        harness.Open().Connect(new ConnectPacket { Version = MqttProtocolVersion.V500, ClientId = "a", UserName = "me" }).ReasonCode.Should().Be(ReasonCode.Success);
        harness.Open().Connect(new ConnectPacket { Version = MqttProtocolVersion.V500, ClientId = "b", UserName = "you" }).ReasonCode.Should().Be(ReasonCode.NotAuthorized);
    }

    [Fact]
    public void Memory_is_there_and_each_store_of_that_name_is_another()
    {
        var store = providers.Stores.Create("memory");

        store.Should().BeOfType<MemoryStore>().And.NotBeSameAs(providers.Stores.Create("MEMORY"));
        providers.Stores.Names.Should().Equal("memory");
    }

    [Fact]
    public void A_name_that_is_not_known_is_an_error_that_lists_those_that_are()
    {
        providers.Hooks.Add("rewrite", _ => new TopicRewrite()).Add("delay", _ => new DelayedPublish());

        var creating = () => providers.Hooks.Create("passwords");

        creating.Should().Throw<ArgumentException>().WithMessage("\"passwords\" is not known. Known: delay, rewrite.*");
    }

    [Fact]
    public void A_name_can_be_added_once()
    {
        var adding = () => providers.Stores.Add("Memory", _ => new MemoryStore());

        adding.Should().Throw<ArgumentException>().WithMessage("\"Memory\" is there already.*");
    }
}
