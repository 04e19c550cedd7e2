namespace Mqtt.Tool.CommandLine;

/// <summary>The command line is wrong; the message says where. The program ends with exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message);
