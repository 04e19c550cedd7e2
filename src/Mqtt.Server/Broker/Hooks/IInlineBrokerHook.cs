using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// A hook that promises, for all its members, never to block and to compute briefly: it runs on the connection's own thread, which it shares
/// with others. Every other hook runs on the thread pool, where it may block or wait as long as it likes: the client that it was asked about
/// waits, and nobody else.
/// <para>
/// A task that an inline hook returns may complete later, and is then waited for as any other.
/// </para>
/// </summary>
[SuppressMessage("Design", "CA1040:Avoid empty interfaces", Justification = "A promise has no member.")]
public interface IInlineBrokerHook : IBrokerHook;
