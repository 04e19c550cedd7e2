using System.Text;
using BenchmarkDotNet.Attributes;
using Mqtt.Protocol;

namespace Mqtt.Benchmarks;

/// <summary>One topic name against one filter, and the checks that both pass when they come over the wire.</summary>
[MemoryDiagnoser]
public class TopicBenchmarks
{
    private byte[] filter = [];
    private byte[] topic = [];

    public static IEnumerable<(string Filter, string Topic)> Cases =>
    [
        ("plant/hall-7/machine-12/temperature", "plant/hall-7/machine-12/temperature"),
        ("plant/+/machine-12/+", "plant/hall-7/machine-12/temperature"),
        ("plant/hall-7/#", "plant/hall-7/machine-12/temperature"),
        ("+/+/+/+/+/+/+/+", "a/b/c/d/e/f/g/h"),
        ("plant/hall-7/machine-12/pressure", "plant/hall-7/machine-12/temperature"),
        ("werk/+/straße/#", "werk/süd/straße/temperatur"),
    ];

    [ParamsSource(nameof(Cases))]
    public (string Filter, string Topic) Case { get; set; }

    [GlobalSetup]
    public void Prepare() => (filter, topic) = (Encoding.UTF8.GetBytes(Case.Filter), Encoding.UTF8.GetBytes(Case.Topic));

    [Benchmark(Description = "match")]
    public bool Matches() => MqttTopic.Matches(filter, topic);

    [Benchmark(Description = "check the name")]
    public bool IsValidName() => MqttTopic.IsValidName(topic);

    [Benchmark(Description = "check the filter")]
    public bool IsValidFilter() => MqttTopic.IsValidFilter(filter);
}
