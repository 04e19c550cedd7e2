using Mqtt.Protocol;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Sessions;
using Mqtt.Server.Time;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>Tells the observers what becomes of copies. Called under the session's lock: everything is queued.</summary>
internal sealed class DeliveryNotices(HookList<IDeliveryObserver> observers, Heartbeat heartbeat)
{
    /// <summary>Those for a table of hooks; <see langword="null"/> if nobody wants to be told.</summary>
    public static DeliveryNotices? For(HookTable hooks, Heartbeat heartbeat) =>
        hooks.Deliveries is { } observers ? new DeliveryNotices(observers, heartbeat) : null;

    public void OnDelivered(string clientId, in Copy copy, ushort packetId, bool duplicate) => observers.TellLater(
        copy.Message, heartbeat.Now, Of(clientId, copy, packetId, duplicate), static (observer, delivery, message) => observer.OnDeliveredAsync(delivery, message));

    public void OnAcknowledged(string clientId, in Copy copy, ushort packetId, bool refused, bool completed)
    {
        var delivery = Of(clientId, copy, packetId, duplicate: false);
        observers.TellLater(
            copy.Message, heartbeat.Now, (delivery, refused), static (observer, what, message) => observer.OnAcknowledgedAsync(what.delivery, message, what.refused));
        if (completed)
            OnCompleted(clientId, copy, packetId);
    }

    public void OnCompleted(string clientId, in Copy copy, ushort packetId) => observers.TellLater(
        null, heartbeat.Now, Of(clientId, copy, packetId, duplicate: false), static (observer, delivery, _) => observer.OnCompletedAsync(delivery));

    public void OnDropped(string clientId, in Copy copy, DropCause cause) => observers.TellLater(
        copy.Message,
        heartbeat.Now,
        (delivery: Of(clientId, copy, 0, duplicate: false), cause),
        static (observer, what, message) => observer.OnDroppedAsync(what.delivery, message, what.cause));

    public void OnDropped(string clientId, QualityOfService qualityOfService, Publication publication, DropCause cause) =>
        OnDropped(clientId, new Copy(publication.Stored, qualityOfService, false, null, 0), cause);

    public void OnPacketIdsExhausted(string clientId) => observers.TellLater(
        null, heartbeat.Now, clientId, static (observer, clientId, _) => observer.OnPacketIdsExhaustedAsync(clientId));

    private Delivery Of(string clientId, in Copy copy, ushort packetId, bool duplicate) =>
        new(clientId, copy.QualityOfService, packetId, duplicate, heartbeat.UtcNow);
}
