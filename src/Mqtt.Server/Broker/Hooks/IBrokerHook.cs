using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// What all hooks of a broker have in common: they stand in <see cref="MqttBrokerOptions.Hooks"/>. It has no member; a hook implements the
/// interfaces of the themes that it is about, and the others cost nothing.
/// <para>
/// <b>Hooks decide, observers are told.</b> The members of <c>I…Hook</c> are asked before something happens, one hook after the other in the
/// order of the list, until one has decided; the client waits for the answer. The members of <c>I…Observer</c> are told afterwards: nobody waits
/// for them, and each observer is told everything in the order in which it happened.
/// </para>
/// <para>
/// Hooks run on the thread pool and may block or wait; one that does neither is an <see cref="IInlineBrokerHook"/>. A hook that throws hurts only
/// what it was asked about, which is refused; it is logged and counted (<see cref="BrokerStatistics.HookFailures"/>). What a hook is handed is borrowed:
/// packets, messages and requests are valid until the task that it returns has completed.
/// </para>
/// </summary>
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "One list holds hooks of all themes.")]
public interface IBrokerHook;
