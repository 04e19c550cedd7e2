namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// Decides who may connect, by user name, password, address or certificate (section 4.12 is for <see cref="IEnhancedAuthenticationHook"/>).
/// Several are asked in their order, and the first that decides has decided; if none does,
/// <see cref="BrokerAuthentication.AllowUndecided"/> says what happens.
/// </summary>
public interface IAuthenticationHook : IBrokerHook
{
    /// <summary>
    /// Called once for each CONNECT, on the thread pool, before the client may do anything: what it sends meanwhile waits, and is thrown away if it is
    /// refused. May wait, for no longer than <see cref="BrokerAuthentication.Timeout"/>. Who throws refuses.
    /// </summary>
    /// <param name="request">Who wants to come in.</param>
    /// <param name="cancellationToken">Cancelled when the time is over.</param>
    /// <returns>The decision; <see langword="null"/> leaves it to the next hook.</returns>
    ValueTask<AuthenticationResult?> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken);
}
