namespace Mqtt.Client;

/// <summary>Lets the interceptors see the messages of a stream, right before its one reader gets them.</summary>
internal sealed class StreamInterception
{
    private readonly ClientSession session;
    private readonly Func<MqttMessage, CancellationToken, ValueTask> chain;
    private MqttMessage? passed;

    public StreamInterception(ClientSession session)
    {
        this.session = session;
        chain = InterceptorChain.AroundReceive(session.Options.Interceptors, Take);
    }

    /// <summary>The message that the reader is to get, if the interceptors pass one on. Never throws.</summary>
    public async ValueTask<Passed> PassAsync(MqttMessage message, CancellationToken stopping)
    {
        passed = null;
        try
        {
            await chain(message, stopping).ConfigureAwait(false);
            return new(passed, ReasonCode.Success);
        }
        catch (Exception error)
        {
            var reasonCode = session.OnHandlerFailed(message, error);
            message.Acknowledgement?.Give(reasonCode);
            return new(null, reasonCode);
        }
    }

    private ValueTask Take(MqttMessage message, CancellationToken stopping)
    {
        passed = message;
        return default;
    }

    /// <summary>What came out of it.</summary>
    /// <param name="Message">The message that the reader is to get.</param>
    /// <param name="ReasonCode">What to tell the server.</param>
    internal readonly record struct Passed(MqttMessage? Message, ReasonCode ReasonCode);
}
