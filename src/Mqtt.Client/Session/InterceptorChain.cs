namespace Mqtt.Client;

/// <summary>Puts interceptors around what is done with a message at last; the first is the outermost.</summary>
internal static class InterceptorChain
{
    public static Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>> AroundPublish(
        IReadOnlyList<MqttInterceptor> interceptors, Func<MqttMessage, CancellationToken, ValueTask<MqttPublishResult>> publish) =>
        interceptors.Reverse().Aggregate(publish, (next, outer) => (message, cancellationToken) => outer.PublishAsync(message, next, cancellationToken));

    public static Func<MqttMessage, CancellationToken, ValueTask> AroundReceive(
        IReadOnlyList<MqttInterceptor> interceptors, Func<MqttMessage, CancellationToken, ValueTask> handle) =>
        interceptors.Reverse().Aggregate(handle, (next, outer) => (message, cancellationToken) => outer.ReceiveAsync(message, next, cancellationToken));
}
