using Mqtt.Protocol;

namespace Mqtt.Tool.Bench;

/// <summary>Runs whose figures other brokers have published, by name, so that they can be compared.</summary>
internal static class BenchPresets
{
    private static readonly Dictionary<string, Action<BenchSettings>> All = new()
    {
        // mqtt-stresser: each client publishes so many messages and receives them itself.
        ["stresser-1x10000"] = settings => Stress(settings, 1, 10_000),
        ["stresser-2x10000"] = settings => Stress(settings, 2, 10_000),
        ["stresser-10x1000"] = settings => Stress(settings, 10, 1_000),
        ["stresser-10x10000"] = settings => Stress(settings, 10, 10_000),
        ["stresser-100x10000"] = settings => Stress(settings, 100, 10_000),
        ["stresser-500x100"] = settings => Stress(settings, 500, 100),

        // SurgeMQ's four shapes.
        ["surgemq-1to1"] = settings => Surge(settings, BenchShape.Pairs, 1),
        ["surgemq-20to1"] = settings => Surge(settings, BenchShape.FanIn, 20),
        ["surgemq-1to20"] = settings => Surge(settings, BenchShape.FanOut, 20),
        ["surgemq-mesh20"] = settings => Surge(settings, BenchShape.Mesh, 20),

        // gmqtt's stress tool with its defaults: a thousand clients, a hundred of them in each tenth of a second.
        ["gmqtt-connect"] = settings => Gmqtt(settings, BenchShape.Connect),
        ["gmqtt-publish"] = settings => Gmqtt(settings, BenchShape.Publish),
        ["gmqtt-subscribe"] = settings => Gmqtt(settings, BenchShape.Subscribe),
    };

    public static IEnumerable<string> Names => All.Keys;

    /// <exception cref="FormatException">There is no such preset.</exception>
    public static void Apply(string name, BenchSettings settings)
    {
        if (!All.TryGetValue(name, out var apply))
            throw new FormatException($"one of {string.Join(", ", Names)} is expected");
        apply(settings);
    }

    private static void Stress(BenchSettings settings, int clients, uint messages)
    {
        (settings.Shape, settings.Clients, settings.Count) = (BenchShape.Echo, clients, messages);
        settings.PayloadBytes = MessageStamp.Bytes;
    }

    private static void Surge(BenchSettings settings, BenchShape shape, int clients)
    {
        (settings.Shape, settings.Clients) = (shape, clients);
        settings.PayloadBytes = MessageStamp.Bytes;
    }

    private static void Gmqtt(BenchSettings settings, BenchShape shape)
    {
        (settings.Shape, settings.Clients, settings.Ramp) = (shape, 1_000, 1_000);
        (settings.Count, settings.Filters, settings.PayloadBytes) = (200, 200, 256);
        settings.QualityOfService = QualityOfService.AtLeastOnce;
    }
}
