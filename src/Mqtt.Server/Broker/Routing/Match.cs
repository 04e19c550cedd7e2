using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Routing;

/// <summary>Everybody who gets the messages of one topic, each once. Immutable; what it refers to is shared by all publishers.</summary>
/// <param name="targets">The subscribers.</param>
/// <param name="groups">The shared subscriptions, each of which gets one copy; <see langword="null"/> if there is none.</param>
internal readonly struct Match<T>(in Receivers<T> targets, ShareGroup<T>[]? groups)
    where T : class
{
    public Receivers<T> Targets { get; } = targets;

    public ShareGroup<T>[]? Groups { get; } = groups;
}

/// <summary>One receiver, with the terms of all its subscriptions that match, taken together.</summary>
/// <param name="Subscriber">Who gets the message.</param>
/// <param name="Terms">The terms if somebody else published it.</param>
/// <param name="OwnTerms">The terms if the receiver published it: without its No Local subscriptions; <see langword="null"/> if nothing is left.</param>
internal readonly record struct Target<T>(T Subscriber, DeliveryTerms Terms, DeliveryTerms? OwnTerms)
    where T : class
{
    /// <summary>Takes another subscription of the same subscriber in: the highest QoS, all identifiers, RETAIN if either keeps it.</summary>
    public Target<T> With(in Target<T> other)
    {
        var own = other.OwnTerms is not { } others ? OwnTerms : OwnTerms is { } terms ? terms.With(others) : others;
        return new(Subscriber, Terms.With(other.Terms), own);
    }
}
