using System.Runtime.CompilerServices;

namespace Mqtt.Client;

/// <summary>Calls the handler of a subscription, which is the user's code, and finds out what to tell the server. Safe from several threads at once.</summary>
internal sealed class MessageHandler(
    ClientSession session, MqttSubscription subscription, Func<MqttMessage, CancellationToken, ValueTask> invoke, CancellationToken stopping)
{
    /// <summary>Handles a message, and acknowledges it unless that is to be done by hand. Never throws. A handler that completes at once costs no state machine.</summary>
    public ValueTask HandleAsync(MqttMessage message, in Receipt receipt)
    {
        try
        {
            var handling = invoke(message, stopping);
            if (!handling.IsCompletedSuccessfully)
                return FinishAsync(handling, message, receipt);
            handling.GetAwaiter().GetResult();
        }
        catch (Exception error)
        {
            OnFailed(message, receipt, error);
            return default;
        }

        OnHandled(receipt);
        return default;
    }

    /// <summary>A message could not be handled: the user's code, whichever it was, has thrown.</summary>
    public void OnFailed(MqttMessage message, in Receipt receipt, Exception error)
    {
        var isStopped = error is OperationCanceledException && stopping.IsCancellationRequested;
        var reasonCode = isStopped ? subscription.RestReasonCode : session.OnHandlerFailed(message, error);
        if (message.Acknowledgement is { } byHand)
            byHand.Give(reasonCode);
        else
            session.Acknowledge(receipt, reasonCode, subscription.Inbox);
    }

    private void OnHandled(in Receipt receipt)
    {
        if (!subscription.Options.AcknowledgeByHand)
            session.Acknowledge(receipt, ReasonCode.Success, subscription.Inbox);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask FinishAsync(ValueTask handling, MqttMessage message, Receipt receipt)
    {
        try
        {
            await handling.ConfigureAwait(false);
        }
        catch (Exception error)
        {
            OnFailed(message, receipt, error);
            return;
        }

        OnHandled(receipt);
    }
}
