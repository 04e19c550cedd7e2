using System.Globalization;

namespace Mqtt.Tool.Bench;

/// <summary>What one client does.</summary>
/// <param name="Topic">Where it publishes; <see langword="null"/> if it does not.</param>
/// <param name="Filters">What it subscribes to.</param>
/// <param name="Receivers">How many clients get each of its messages.</param>
internal sealed record BenchRole(string? Topic, IReadOnlyList<string> Filters, int Receivers)
{
    /// <summary>The roles of all clients of a run, those that subscribe first, so that nothing is published before they have.</summary>
    public static IReadOnlyList<BenchRole> Plan(BenchSettings settings)
    {
        var clients = Enumerable.Range(0, settings.Clients);
        string TopicOf(int client) => $"{settings.Topic}/{client.ToString(CultureInfo.InvariantCulture)}";
        BenchRole Publisher(int client, int receivers) => new(TopicOf(client), [], receivers);
        BenchRole Subscriber(string filter) => new(null, [filter], 0);
        return settings.Shape switch
        {
            BenchShape.Connect => [.. clients.Select(_ => new BenchRole(null, [], 0))],
            BenchShape.Publish => [.. clients.Select(client => Publisher(client, 0))],
            BenchShape.Subscribe => [.. clients.Select(client => new BenchRole(null, [.. Enumerable.Range(0, settings.Filters).Select(at => $"{TopicOf(client)}/{at}")], 0))],
            BenchShape.Pairs => [.. clients.Select(client => Subscriber(TopicOf(client))), .. clients.Select(client => Publisher(client, 1))],
            BenchShape.FanIn => [Subscriber($"{settings.Topic}/+"), .. clients.Select(client => Publisher(client, 1))],
            BenchShape.FanOut => [.. clients.Select(_ => Subscriber(TopicOf(0))), Publisher(0, settings.Clients)],
            BenchShape.Mesh => [.. clients.Select(client => new BenchRole(TopicOf(client), [$"{settings.Topic}/+"], settings.Clients))],
            _ => [.. clients.Select(client => new BenchRole(TopicOf(client), [TopicOf(client)], 1))],
        };
    }
}
