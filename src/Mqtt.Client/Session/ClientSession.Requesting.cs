using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

// Packets that the application itself makes, and authentication at its wish.
internal sealed partial class ClientSession
{
    /// <summary>Sends a SUBSCRIBE, an UNSUBSCRIBE or a PINGREQ of the application; completes with the packet that answers it.</summary>
    /// <exception cref="MqttConnectionException">There is no connection, or it went before the answer.</exception>
    /// <exception cref="MqttRefusedException">The packet is larger than the server takes.</exception>
    /// <exception cref="ArgumentException">The packet cannot be sent in any way.</exception>
    public Task<MqttPacket?> RequestAsync(MqttPacket packet)
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                RequireConnection(orAttempt: false);
                var conn = connection!;
                return packet switch
                {
                    SubscribePacket subscribe => Request(conn, MqttPacketType.SubAck, id => new SubscribePacket { PacketId = id, Subscriptions = subscribe.Subscriptions, Properties = packet.Properties }, turn),
                    UnsubscribePacket unsubscribe => Request(conn, MqttPacketType.UnsubAck, id => new UnsubscribePacket { PacketId = id, Filters = unsubscribe.Filters, Properties = packet.Properties }, turn),
                    _ => conn.PingAsync(turn),
                };
            }
        }
    }

    /// <summary>Authenticates anew.</summary>
    /// <exception cref="MqttConnectionException">There is no connection, or it went meanwhile.</exception>
    public Task ReauthenticateAsync(CancellationToken cancellationToken)
    {
        MqttConn conn;
        lock (gate)
        {
            RequireConnection(orAttempt: false);
            conn = connection!;
        }

        return conn.ReauthenticateAsync(cancellationToken);
    }

    /// <summary>A connection must end because of an error on this side, of which the server is told.</summary>
    public void DisconnectAfter(Exception error, MqttConn conn)
    {
        using (Turn.Enter(out var turn))
        {
            lock (gate)
            {
                if (conn != connection)
                    return;
                conn.Disconnect(new DisconnectPacket { ReasonCode = (error as MqttProtocolException)?.ReasonCode ?? ReasonCode.UnspecifiedError }, turn, error);
                DetachForLoss(new MqttConnectionException(error.Message, error));
            }
        }
    }

    private Task<MqttPacket?> Request(MqttConn conn, MqttPacketType answerType, Func<ushort, MqttPacket> create, Turn turn)
    {
        var bytes = MqttPacketWriter.Measure(create(1), Options.ProtocolVersion);
        if (bytes > conn.Accepted!.MaximumPacketSizeBytes)
            throw new MqttRefusedException(ReasonCode.PacketTooLarge, $"The packet has {bytes} bytes; the server takes {conn.Accepted.MaximumPacketSizeBytes}.");
        var request = new RawFlight(answerType);
        var packetId = outgoing.Reserve(request, conn.Now);
        try
        {
            conn.Send(create(packetId), turn);
        }
        catch (ArgumentException)
        {
            outgoing.OnAnswer<RawFlight>(packetId);
            throw;
        }

        conn.ReadOn();
        return request.Answer;
    }
}
