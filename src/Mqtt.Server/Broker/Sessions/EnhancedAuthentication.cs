using System.IO.Pipelines;
using Mqtt.Protocol;
using Mqtt.Server.Broker.Hooks;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>
/// The enhanced authentication of one connection (section 4.12): the method that CONNECT named, and the exchange that is under way, first of all
/// the one that decides about CONNECT. Until that is over it is the connection's state; afterwards its attachment holds it. The connection's loop
/// alone calls it.
/// </summary>
internal sealed class EnhancedAuthentication(string method, PipeScheduler scheduler) : IDisposable
{
    private readonly CancellationTokenSource gone = new();
    private AuthenticationExchange? present;
    private Task running = Task.CompletedTask;

    public string Method => method;

    /// <summary>Cancelled at the end of the connection.</summary>
    public CancellationToken Gone => gone.Token;

    /// <summary>True while an exchange is under way.</summary>
    public bool IsRunning => !running.IsCompleted;

    /// <summary>Begins an exchange; <paramref name="run"/> leads it to its end and never fails.</summary>
    public void Begin(AuthenticationExchange exchange, Func<AuthenticationExchange, Task> run)
    {
        present = exchange;
        running = run(exchange);
    }

    /// <summary>The client's next answer.</summary>
    public void OnAuth(AuthPacket packet)
    {
        if (!IsRunning)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "AUTH that answers nothing.");
        present!.OnAuth(packet);
    }

    /// <summary>The connection is gone: what is under way ends.</summary>
    public async Task EndAsync()
    {
        // What the hook does about it, it does right here.
        await new HookSwitch(scheduler);
        CancelNow();
        await running.ConfigureAwait(false);
        Dispose();
    }

    private void CancelNow() => gone.Cancel();

    public void Dispose() => gone.Dispose();
}
