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
/// <param name="Echo">The terms if the receiver published it, where they differ; hardly ever.</param>
internal readonly record struct Target<T>(T Subscriber, DeliveryTerms Terms, EchoTerms? Echo)
    where T : class
{
    /// <summary>The terms if the receiver published it: without its No Local subscriptions; <see langword="null"/> if nothing is left.</summary>
    public DeliveryTerms? OwnTerms => Echo is null ? Terms : Echo.Terms;

    /// <summary>Takes another subscription of the same subscriber in: the highest QoS, all identifiers, RETAIN if either keeps it.</summary>
    public Target<T> With(in Target<T> other)
    {
        var all = Terms.With(other.Terms);
        if (Echo is null && other.Echo is null)
            return new(Subscriber, all, null);
        var own = other.OwnTerms is not { } others ? OwnTerms : OwnTerms is { } terms ? terms.With(others) : others;
        return new(Subscriber, all, own is { } some ? new EchoTerms(some) : EchoTerms.Nothing);
    }
}

/// <summary>What a receiver with No Local subscriptions gets of its own messages.</summary>
/// <param name="Terms">The terms; <see langword="null"/> for no copy.</param>
internal sealed record EchoTerms(DeliveryTerms? Terms)
{
    public static readonly EchoTerms Nothing = new((DeliveryTerms?)null);
}
