using Mqtt.Protocol;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>DISCONNECT, and the end of a connection however it came.</summary>
internal sealed class DisconnectFlow(SessionContext context, ClientGates gates, SessionEndFlow ending, EndPacer pacer)
{
    /// <summary>The client says goodbye.</summary>
    public static void OnDisconnect(Attachment from, DisconnectPacket packet)
    {
        if (packet.SessionExpiryInterval is { } seconds)
        {
            if (seconds > 0 && from.ExpiryWasZero)
                throw new MqttProtocolException(ReasonCode.ProtocolError, "A session expiry of 0 cannot be raised at DISCONNECT.");
            lock (from.Session.Gate)
            {
                if (from.Session.Attachment == from)
                    from.Session.ExpirySeconds = from.Limits.Cap(seconds);
            }
        }

        // The will goes with a normal goodbye only [MQTT-3.14.4-3].
        from.EndedNormally = packet.ReasonCode == ReasonCode.NormalDisconnection;
        from.Connection.Close();
    }

    /// <summary>The connection is over.</summary>
    public async ValueTask OnClosedAsync(Attachment from, MqttCloseCause cause)
    {
        if (from.Authentication is { } authentication)
            await authentication.EndAsync().ConfigureAwait(false);
        await pacer.WaitAsync().ConfigureAwait(false);
        using (await gates.EnterAsync(from.Session.ClientId).ConfigureAwait(false))
        {
            if (from.Session.Detach(from))
                await ending.OnConnectionEndedAsync(from.Session, from.EndedNormally).ConfigureAwait(false);
        }

        from.Session.Statistics.OnDisconnected();

        context.Hooks.Connections?.Tell((from, cause, from.Session.HasEnded), static (observer, what) => observer.OnDisconnectedAsync(what.from, what.cause, what.HasEnded));
    }
}
