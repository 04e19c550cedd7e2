using System.Reflection;
using Xunit.Sdk;
using Xunit.v3;

namespace Mqtt.Broker.Tests;

/// <summary>Runs a theory once for each version of the protocol, handed in as its argument.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class VersionsAttribute : DataAttribute
{
    /// <summary>Leaves 5.0 out. Default: false.</summary>
    public bool Only3 { get; init; }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker)
    {
        List<ITheoryDataRow> rows = [Row(MqttProtocolVersion.V310), Row(MqttProtocolVersion.V311)];
        if (!Only3)
            rows.Add(Row(MqttProtocolVersion.V500));
        return new(rows);
    }

    /// <inheritdoc/>
    public override bool SupportsDiscoveryEnumeration() => true;

    private static TheoryDataRow<MqttProtocolVersion> Row(MqttProtocolVersion version) => new(version);
}
