using System.IO.Pipelines;
using Mqtt.Protocol;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>
/// One enhanced authentication of one client: challenges go out as AUTH, answers come in as AUTH (section 4.12). The hook asks on its own
/// thread, the client's connection brings the answers; a lock keeps the two apart.
/// </summary>
public sealed class AuthenticationExchange
{
    private readonly BrokerAuthentication bounds;
    private readonly PipeScheduler scheduler;
    private readonly Lock gate = new();
    private TaskCompletionSource<ReadOnlyMemory<byte>>? answer;
    private int steps;
    private long bytes;

    internal AuthenticationExchange(AuthenticationRequest request, BrokerAuthentication bounds, PipeScheduler scheduler)
    {
        Request = request;
        this.bounds = bounds;
        this.scheduler = scheduler;
        Method = request.Packet.AuthenticationMethod!.Value.ToString();
        bytes = Data.Length;
    }

    /// <summary>Who authenticates.</summary>
    public AuthenticationRequest Request { get; }

    /// <summary>The authentication method; it never changes.</summary>
    public string Method { get; }

    /// <summary>What the client sent first, with CONNECT or with the AUTH that begins anew; empty if nothing.</summary>
    public ReadOnlyMemory<byte> Data => Request.Packet.AuthenticationData ?? default;

    /// <summary>Sends data to the client, and waits for its answer.</summary>
    /// <param name="data">The data; <see langword="null"/> for none.</param>
    /// <param name="reasonString">A text for people. Default: none.</param>
    /// <returns>What the client answered; empty if nothing.</returns>
    /// <exception cref="InvalidOperationException">The exchange has taken too many steps, or the last question is not answered yet.</exception>
    public ValueTask<ReadOnlyMemory<byte>> ChallengeAsync(ReadOnlyMemory<byte>? data, string? reasonString = null)
    {
        var challenge = Packet(ReasonCode.ContinueAuthentication, data);
        if (reasonString is not null)
            challenge.ReasonString = reasonString;
        Task<ReadOnlyMemory<byte>> next;
        lock (gate)
        {
            if (answer is not null)
                throw new InvalidOperationException("The client has not answered the last question yet.");
            if (++steps > bounds.MaximumSteps)
                throw new InvalidOperationException($"The exchange has taken more than {bounds.MaximumSteps} steps.");
            answer = new();
            next = answer.Task;
        }

        Request.Connection.Send(challenge);
        return new(next);
    }

    /// <summary>An AUTH of this exchange's method [MQTT-4.12.0-5].</summary>
    internal AuthPacket Packet(ReasonCode reasonCode, ReadOnlyMemory<byte>? data) => new()
    {
        ReasonCode = reasonCode,
        AuthenticationMethod = Method,
        AuthenticationData = data,
    };

    /// <summary>The client's answer; it must be to a question [MQTT-4.12.0-3]. The hook goes on on the scheduler.</summary>
    internal void OnAuth(AuthPacket packet)
    {
        CheckMethod(packet, Method);
        if (packet.ReasonCode != ReasonCode.ContinueAuthentication)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "AUTH begins an authentication while one is under way.");
        var data = packet.AuthenticationData?.ToArray();
        TaskCompletionSource<ReadOnlyMemory<byte>>? asked;
        lock (gate)
        {
            bytes += data?.Length ?? 0;
            (asked, answer) = (answer, null);
        }

        if (asked is null)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "AUTH that answers nothing.");
        if (bytes > bounds.MaximumBytes)
            throw new MqttProtocolException(ReasonCode.QuotaExceeded, $"The authentication has taken more than {bounds.MaximumBytes} bytes.");
        scheduler.Schedule(static state => ((Action)state!)(), () => asked.SetResult(data));
    }

    /// <summary>All AUTH packets name the method of CONNECT [MQTT-4.12.0-5] [MQTT-4.12.1-1].</summary>
    internal static void CheckMethod(AuthPacket packet, string method)
    {
        if (packet.AuthenticationMethod is not { } named)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "AUTH has no authentication method.");
        if (named != method)
            throw new MqttProtocolException(ReasonCode.BadAuthenticationMethod, "AUTH names another authentication method than CONNECT.");
    }
}
