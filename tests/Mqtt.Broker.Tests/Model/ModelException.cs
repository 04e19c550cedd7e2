namespace Mqtt.Broker.Tests.Model;

/// <summary>The broker and the model do not agree.</summary>
internal sealed class ModelException(string message) : Exception(message);
