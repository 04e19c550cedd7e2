using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>What a session does about messages that are not acknowledged on a living connection.</summary>
internal sealed partial class Session
{
    /// <summary>Sends again, or gives up, what was under way at the last look already; returns how far this look has come.</summary>
    public long CheckFlights(Attachment attachment, long seen, bool givesUp, Turn turn)
    {
        lock (Gate)
        {
            // What waits for the store has not left yet, and what an earlier connection left behind goes first.
            if (Attachment != attachment || attachment.WaitingCount > 0 || flights.HasResends)
                return seen;
            foreach (var (packetId, state, copy) in flights.FlightsUntil(seen))
            {
                if (givesUp)
                    GiveUp(packetId, state, copy);
                else
                    Resend(attachment, packetId, state, copy, turn);
            }

            if (givesUp)
                Pump(turn);
            return flights.LastOrder;
        }
    }

    private void GiveUp(ushort packetId, FlightState state, in Copy copy)
    {
        if (state == FlightState.AwaitingPubAck)
            flights.OnPubAck(packetId, out _);
        else if (state == FlightState.AwaitingPubRec)
            flights.OnPubRec(packetId, failed: true, out _);
        else
            flights.OnPubComp(packetId, out _);
        Drop(copy, DropCause.Expired);
    }
}
