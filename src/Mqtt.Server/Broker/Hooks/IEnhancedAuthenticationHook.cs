namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// Decides who may connect by an exchange of AUTH packets in any number of steps (5.0, section 4.12), also while the client is connected: its
/// messages go on flowing then. There is one for each method.
/// </summary>
public interface IEnhancedAuthenticationHook : IBrokerHook
{
    /// <summary>The authentication method that it knows, as clients name it in CONNECT.</summary>
    string Method { get; }

    /// <summary>
    /// Called for each exchange, on the thread pool. Ask the client with <see cref="AuthenticationExchange.ChallengeAsync"/> as often as needed, then decide. Who throws
    /// refuses; so does an exchange that takes too many steps, bytes or too much time (<see cref="MqttBrokerOptions.Authentication"/>).
    /// </summary>
    /// <param name="exchange">The exchange with one client.</param>
    /// <param name="cancellationToken">Cancelled when the time is over or the connection is gone.</param>
    ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationExchange exchange, CancellationToken cancellationToken);
}
