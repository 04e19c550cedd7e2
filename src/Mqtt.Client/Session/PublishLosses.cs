namespace Mqtt.Client;

/// <summary>Counts messages that were to be published and are not, and tells of those for whose result nobody waits. The session's lock guards it; anybody may read.</summary>
internal sealed class PublishLosses(Action<MqttClientEvent> tell)
{
    private readonly long[] counts = new long[Enum.GetValues<MqttPublishLoss>().Length];

    public long this[MqttPublishLoss cause] => Volatile.Read(ref counts[(int)cause]);

    /// <summary>A message is lost. It must still have its topic.</summary>
    public void On(OutgoingPublish message, MqttPublishLoss cause, string reason)
    {
        counts[(int)cause]++;
        if (message.IsUnwatched)
            tell(new MqttPublishLostEvent(message.TopicName, message.QualityOfService, cause, reason));
    }
}
