using Microsoft.Extensions.Logging;
using Mqtt.Protocol;

namespace Mqtt.Server.Connections;

/// <summary>Shows each incoming packet to the hooks, before and after the handler.</summary>
internal sealed class PacketHookMiddleware(IReadOnlyList<IMqttPacketHook> hooks, ILogger logger) : IInlineMqttMiddleware
{
    public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet, IMqttHandler next)
    {
        foreach (var hook in hooks)
        {
            try
            {
                packet = hook.OnRead(connection, packet);
            }
            catch (Exception failure)
            {
                logger.PacketHookFailed(failure, hook);
            }
        }

        ValueTask handling;
        try
        {
            handling = next.OnPacketAsync(connection, packet);
            if (!handling.IsCompletedSuccessfully)
                return TellLaterAsync(connection, packet, handling);
        }
        catch (Exception failure)
        {
            Tell(connection, packet, failure);
            throw;
        }

        Tell(connection, packet, null);
        return handling;
    }

    private async ValueTask TellLaterAsync(MqttConnection connection, MqttPacket packet, ValueTask handling)
    {
        try
        {
            await handling.ConfigureAwait(false);
        }
        catch (Exception failure)
        {
            Tell(connection, packet, failure);
            throw;
        }

        Tell(connection, packet, null);
    }

    private void Tell(MqttConnection connection, MqttPacket packet, Exception? handlingFailure)
    {
        foreach (var hook in hooks)
        {
            try
            {
                hook.OnHandled(connection, packet, handlingFailure);
            }
            catch (Exception failure)
            {
                logger.PacketHookFailed(failure, hook);
            }
        }
    }
}
