using System.Diagnostics.CodeAnalysis;
using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Asks the authentication hooks. Whatever goes wrong refuses.</summary>
internal sealed class Authenticator
{
    private readonly MqttBrokerOptions options;
    private readonly BrokerStatistics statistics;
    private readonly IAuthenticationHook[] hooks;
    private readonly Dictionary<string, IEnhancedAuthenticationHook> methods;

    public Authenticator(MqttBrokerOptions options, BrokerStatistics statistics)
    {
        this.options = options;
        this.statistics = statistics;
        hooks = [.. options.Hooks.OfType<IAuthenticationHook>()];
        methods = options.Hooks.OfType<IEnhancedAuthenticationHook>().ToDictionary(static hook => hook.Method, StringComparer.Ordinal);
    }

    /// <summary>True if there is nobody to ask: everybody may come in.</summary>
    public bool IsOpen => hooks.Length == 0 && methods.Count == 0;

    /// <summary>The hook of an authentication method.</summary>
    public bool TryFind(string method, [NotNullWhen(true)] out IEnhancedAuthenticationHook? hook) => methods.TryGetValue(method, out hook);

    /// <summary>Asks one hook after the other; the first that decides has decided.</summary>
    public async Task<AuthenticationResult> AuthenticateAsync(AuthenticationRequest request)
    {
        await new HookSwitch(options.Scheduler);
        using var timeout = new CancellationTokenSource(options.Authentication.Timeout, options.TimeProvider);
        foreach (var hook in hooks)
        {
            if (await RunAsync(hook, request, timeout.Token).ConfigureAwait(false) is { } decision)
                return decision;
        }

        return options.Authentication.AllowUndecided ? AuthenticationResult.Allowed : AuthenticationResult.Refused();
    }

    /// <summary>Runs an enhanced authentication to its end. A failure that the connection's end caused is none.</summary>
    public async Task<AuthenticationResult> AuthenticateAsync(IEnhancedAuthenticationHook hook, AuthenticationExchange exchange, CancellationToken gone)
    {
        await new HookSwitch(options.Scheduler);
        using var timeout = new CancellationTokenSource(options.Authentication.Timeout, options.TimeProvider);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, gone);
        try
        {
            var deciding = hook.AuthenticateAsync(exchange, either.Token).AsTask();
            return Checked(await deciding.WaitAsync(either.Token).ConfigureAwait(false));
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            return AuthenticationResult.Refused();
        }
        catch (Exception failure)
        {
            return Refuse(hook, failure, timeout.Token);
        }
    }

    private async Task<AuthenticationResult?> RunAsync(IAuthenticationHook hook, AuthenticationRequest request, CancellationToken timeout)
    {
        try
        {
            var deciding = hook.AuthenticateAsync(request, timeout).AsTask();
            return await deciding.WaitAsync(timeout).ConfigureAwait(false) is { } decision ? Checked(decision) : null;
        }
        catch (Exception failure)
        {
            return Refuse(hook, failure, timeout);
        }
    }

    private static AuthenticationResult Checked(AuthenticationResult decision)
    {
        decision.Limits?.Validate();
        return decision;
    }

    private AuthenticationResult Refuse(IBrokerHook hook, Exception failure, CancellationToken timeout)
    {
        if (failure is OperationCanceledException && timeout.IsCancellationRequested)
        {
            statistics.OnHookSlow();
            options.Logger.AuthenticationSlow(hook, options.Authentication.Timeout);
            return AuthenticationResult.Refused(ReasonCode.ServerUnavailable);
        }

        statistics.OnHookFailed();
        options.Logger.AuthenticationFailed(failure, hook);
        return AuthenticationResult.Refused(ReasonCode.UnspecifiedError);
    }
}
