namespace Mqtt.Client;

/// <summary>
/// Stands in the way of every message that a client publishes and receives, as a <c>DelegatingHandler</c> stands in the way of HTTP requests: sees it, passes it on
/// with <c>next</c>, as it is or changed by <see cref="MqttMessage.With"/>, or does not. What comes after <c>next</c> sees how it ended. Override what is needed.
/// <para>
/// The first of <see cref="MqttClientOptions.Interceptors"/> is the outermost: first for what goes out, first for what comes in. One interceptor serves all messages of its
/// client, from any threads. A message is borrowed as a handler borrows it. Without interceptors no message pays for them.
/// </para>
/// </summary>
public abstract class MqttInterceptor
{
    /// <summary>Around a publish. What it throws, the publisher gets. Default: passes the message on.</summary>
    /// <param name="message">The message to publish; requests and responses too.</param>
    /// <param name="next">Publishes a message through the interceptors that follow; completes as <see cref="MqttClient.PublishAsync(MqttMessage, CancellationToken)"/> does.</param>
    /// <param name="cancellationToken">The publisher's.</param>
    public virtual ValueTask<MqttPublishResult> PublishAsync(
        MqttMessage message, Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>> next, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(next);
        return next(message, cancellationToken);
    }

    /// <summary>
    /// Around the handling of a received message, once for each subscription that gets it, right before its handler or reader does, in the order and on the thread of that.
    /// What it does not pass on, nobody sees, and it is acknowledged; where a subscription acknowledges by hand, the interceptor has to. What it throws falls to
    /// <see cref="MqttClientOptions.HandlerFailure"/>. Default: passes the message on.
    /// </summary>
    /// <param name="message">The message.</param>
    /// <param name="next">Hands a message to the interceptors that follow, then to the handler, and completes as that does; with a stream, when the reader has it.</param>
    /// <param name="cancellationToken">Cancelled when the subscription is disposed.</param>
    public virtual ValueTask ReceiveAsync(MqttMessage message, Func<MqttMessage, CancellationToken, ValueTask> next, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(next);
        return next(message, cancellationToken);
    }
}
