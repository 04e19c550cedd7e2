using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Routing;

/// <summary>Everybody who gets the messages of one topic, each once. Immutable and shared by all publishers of the topic.</summary>
internal sealed class Match<T>(in Receivers<T> targets, ShareGroup<T>[]? groups, in Stamp stamp)
    where T : class
{
    private readonly Stamp stamp = stamp;
    private readonly Receivers<T> targets = targets;

    /// <summary>Nobody, for an answer that is not kept.</summary>
    public static Match<T> None { get; } = new(default, null, default);

    public ref readonly Receivers<T> Targets => ref targets;

    /// <summary>The shared subscriptions, each of which gets one copy; <see langword="null"/> if there is none.</summary>
    public ShareGroup<T>[]? Groups => groups;

    /// <summary>When this was found.</summary>
    public ref readonly Stamp Stamp => ref stamp;
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
