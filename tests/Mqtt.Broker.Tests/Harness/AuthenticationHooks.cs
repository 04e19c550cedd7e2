using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Broker.Tests;

/// <summary>An authentication hook that is one lambda.</summary>
internal sealed class BasicHook(Func<AuthenticationRequest, ValueTask<AuthenticationResult?>> decide) : IAuthenticationHook
{
    public BasicHook(Func<AuthenticationRequest, AuthenticationResult?> decide)
        : this(request => ValueTask.FromResult(decide(request)))
    {
    }

    public ValueTask<AuthenticationResult?> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken) => decide(request);
}

/// <summary>An enhanced authentication that is one lambda. Its method is <see cref="Name"/>.</summary>
internal sealed class ExchangeHook(Func<AuthenticationExchange, CancellationToken, ValueTask<AuthenticationResult>> lead) : IEnhancedAuthenticationHook
{
    public const string Name = "COUNT";

    public string Method => Name;

    public ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationExchange exchange, CancellationToken cancellationToken) =>
        lead(exchange, cancellationToken);
}
