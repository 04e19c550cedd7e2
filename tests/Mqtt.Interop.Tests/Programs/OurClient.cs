using Mqtt.Client;
using Mqtt.Protocol;

namespace Mqtt.Interop.Tests;

/// <summary>Our client, within this process, against servers of others.</summary>
internal static class OurClient
{
    public static readonly MqttProtocolVersion[] Versions = [MqttProtocolVersion.V310, MqttProtocolVersion.V311, MqttProtocolVersion.V500];

    public static readonly QualityOfService[] Qualities = [QualityOfService.AtMostOnce, QualityOfService.AtLeastOnce, QualityOfService.ExactlyOnce];

    /// <summary>Connects; nothing is left of an earlier session, and nothing will be left of this one.</summary>
    public static Task<MqttClient> ConnectAsync(string address, MqttProtocolVersion version, MqttClientTls? tls = null) => ConnectAsync(new()
    {
        Server = new Uri(address),
        ProtocolVersion = version,
        CleanStart = true,
        SessionExpiry = TimeSpan.Zero,
        Tls = tls ?? new(),
    });

    public static async Task<MqttClient> ConnectAsync(MqttClientOptions options)
    {
        var client = new MqttClient(options);
        try
        {
            await client.ConnectAsync(TestContext.Current.CancellationToken);
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>The texts of the next messages of a subscription.</summary>
    public static async Task<List<string>> NextAsync(this MqttSubscription subscription, int count) =>
        [.. (await subscription.NextMessagesAsync(count)).Select(message => message.GetText())];

    /// <summary>The next messages of a subscription.</summary>
    public static async Task<List<MqttMessage>> NextMessagesAsync(this MqttSubscription subscription, int count)
    {
        using var patience = new CancellationTokenSource(RunningProgram.Patience);
        var messages = new List<MqttMessage>();
        await foreach (var message in subscription.WithCancellation(patience.Token))
        {
            messages.Add(message);
            if (messages.Count == count)
                break;
        }

        return messages;
    }
}
