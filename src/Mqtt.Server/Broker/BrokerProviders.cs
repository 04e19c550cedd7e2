using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.Storage;

namespace Mqtt.Server.Broker;

/// <summary>
/// Stores and hooks by name: for programs whose users choose them in a file, each with its settings. What the program knows it adds by name; what the
/// file names it creates, and hands over as <see cref="MqttBrokerOptions.Store"/> and <see cref="MqttBrokerOptions.Hooks"/>.
/// <code>
/// var providers = new BrokerProviders();
/// providers.Hooks.Add("passwords", settings => new PasswordFile(settings["file"]));
/// var options = new MqttBrokerOptions
/// {
///     Store = providers.Stores.Create("memory"),
///     Hooks = [providers.Hooks.Create("passwords", settingsOfTheFile)],
/// };
/// </code>
/// </summary>
public sealed class BrokerProviders
{
    /// <summary>Stores. There from the beginning: <c>memory</c>, without settings.</summary>
    public ProviderTable<IBrokerStore> Stores { get; } = new ProviderTable<IBrokerStore>().Add("memory", static _ => new MemoryStore());

    /// <summary>Hooks of all themes: authenticators, rights, rules, observers. Empty at the beginning.</summary>
    public ProviderTable<IBrokerHook> Hooks { get; } = new();
}
