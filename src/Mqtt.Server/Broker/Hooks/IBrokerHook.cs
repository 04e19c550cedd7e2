using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// What all hooks of a broker have in common: they stand in <see cref="MqttBrokerOptions.Hooks"/>. It has no member; a hook implements the
/// interfaces of the themes that it is about, and the others cost nothing.
/// </summary>
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "One list holds hooks of all themes.")]
public interface IBrokerHook;
