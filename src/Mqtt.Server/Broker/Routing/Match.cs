using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Routing;

/// <summary>Everybody who gets the messages of one topic, each once. Immutable and shared by all publishers of the topic.</summary>
internal sealed class Match<T>(Target<T>[] targets, ShareGroup<T>[]? groups)
    where T : class
{
    public static readonly Match<T> Nobody = new([], null);

    public ReadOnlySpan<Target<T>> Targets => targets;

    /// <summary>The shared subscriptions, each of which gets one copy; <see langword="null"/> if there is none.</summary>
    public ShareGroup<T>[]? Groups => groups;
}

/// <summary>One receiver, with the terms of all its subscriptions that match, taken together.</summary>
/// <param name="Subscriber">Who gets the message.</param>
/// <param name="Terms">The terms if somebody else published it.</param>
/// <param name="OwnTerms">The terms if the receiver published it: without its No Local subscriptions; <see langword="null"/> if nothing is left.</param>
internal readonly record struct Target<T>(T Subscriber, DeliveryTerms Terms, DeliveryTerms? OwnTerms)
    where T : class;
