namespace Mqtt.Server.Tests;

/// <summary>Handlers that tests are made of.</summary>
internal static class Handlers
{
    /// <summary>Accepts a CONNECT and answers a ping; true if it was one of them.</summary>
    public static bool AnswerBasics(MqttConnection connection, MqttPacket packet)
    {
        switch (packet)
        {
            case ConnectPacket:
                connection.Send(new ConnAckPacket());
                return true;
            case PingReqPacket:
                connection.Send(new PingRespPacket());
                return true;
            default:
                return false;
        }
    }

    /// <summary>Appends a packet as a broker does: straight to the outbox, in a turn of its own.</summary>
    public static void AppendPacket(this Outbox outbox, MqttPacket packet)
    {
        using (Turn.Enter(out var turn))
            outbox.Append(packet, MqttProtocolVersion.V500, turn);
    }

    /// <summary>Answers only what <see cref="AnswerBasics"/> does.</summary>
    public static ValueTask Basic(MqttConnection connection, MqttPacket packet)
    {
        AnswerBasics(connection, packet);
        return default;
    }
}

/// <summary>The same function as an inline handler: it runs where the connection lives.</summary>
internal sealed class InlineHandler(Func<MqttConnection, MqttPacket, ValueTask> onPacket, Func<MqttConnection, MqttCloseCause, ValueTask>? onClosed = null) : IInlineMqttHandler
{
    public ValueTask OnPacketAsync(MqttConnection connection, MqttPacket packet) => onPacket(connection, packet);

    public ValueTask OnClosedAsync(MqttConnection connection, MqttCloseCause cause) => onClosed?.Invoke(connection, cause) ?? default;
}
