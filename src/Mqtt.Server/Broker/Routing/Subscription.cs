using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Routing;

/// <summary>One filter of one subscriber; the tree knows which filter. A SUBSCRIBE for the same filter replaces it.</summary>
/// <typeparam name="T">The subscriber.</typeparam>
/// <param name="Subscriber">Who subscribes.</param>
/// <param name="Terms">What it says about each copy.</param>
/// <param name="NoLocal">Not what the subscriber publishes itself.</param>
internal readonly record struct Subscription<T>(T Subscriber, DeliveryTerms Terms, bool NoLocal)
    where T : class
{
    /// <summary>Its receiver, if no other subscription of the subscriber matches.</summary>
    public Target<T> Target => new(Subscriber, Terms, NoLocal ? EchoTerms.Nothing : null);
}
