using Mqtt.Server.Broker.Messages;

namespace Mqtt.Server.Broker.Hooks;

/// <summary>What an observer is to be told later. Whoever queues it holds its message, so that the bytes live until it has been told.</summary>
internal abstract class Notice(StoredMessage? message)
{
    /// <summary>The message that it is about; <see langword="null"/> for none.</summary>
    public StoredMessage? Message => message;

    /// <summary>Tells the observer.</summary>
    public abstract ValueTask TellAsync(IBrokerHook hook);
}

/// <summary>A call of one member of an observer, with what it is called with.</summary>
internal sealed class Notice<T, TArguments>(Func<T, TArguments, ValueTask> call, TArguments arguments, StoredMessage? message) : Notice(message)
    where T : class, IBrokerHook
{
    public override ValueTask TellAsync(IBrokerHook hook) => call((T)hook, arguments);
}

/// <summary>The same with a message.</summary>
internal sealed class MessageNotice<T, TArguments>(Func<T, TArguments, BrokerMessage, ValueTask> call, TArguments arguments, StoredMessage? message, long now) : Notice(message)
    where T : class, IBrokerHook
{
    public override ValueTask TellAsync(IBrokerHook hook) =>
        call((T)hook, arguments, Message is null ? default : new BrokerMessage(Message.Parts, now));
}
