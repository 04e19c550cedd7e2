using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>What a session does about messages that are not acknowledged on a living connection.</summary>
internal sealed partial class Session
{
    /// <summary>Sends again, or gives up, what was under way at the last look already. Tells whether there was any, and how far this look has come.</summary>
    public (bool HasFound, long Seen) CheckFlights(Attachment attachment, long seen, bool givesUp, Turn turn)
    {
        using (Enter())
        {
            // What waits for the store has not left yet, and what an earlier connection left behind goes first.
            if (Attachment != attachment || attachment.WaitingCount > 0 || flights.HasResends)
                return (false, seen);
            var old = flights.FlightsUntil(seen);
            foreach (var (packetId, state, copy) in old)
            {
                if (givesUp)
                    GiveUp(packetId, state, copy);
                else if (copy.Message is not null || state == FlightState.AwaitingPubComp)
                    Resend(attachment, packetId, state, copy, turn);
            }

            if (givesUp)
                Pump(turn);
            return (old.Count > 0, flights.LastOrder);
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
