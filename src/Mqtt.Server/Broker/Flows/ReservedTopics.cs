using System.Text;

namespace Mqtt.Server.Broker.Flows;

/// <summary>The topics that are the broker's own: <c>$SYS</c>, <c>$share</c> and those of the options. Others that begin with <c>$</c> pass.</summary>
internal sealed class ReservedTopics(IReadOnlyList<string> roots)
{
    private readonly byte[][] roots = [.. roots.Append("$SYS").Append("$share").Select(Encoding.UTF8.GetBytes)];

    /// <summary>True if clients must not write there.</summary>
    public bool Has(ReadOnlySpan<byte> topic) => topic[0] == '$' && IsBelowRoot(topic);

    /// <summary>True if the program itself may write there: everywhere but in <c>$share</c>, which is no topic.</summary>
    public static bool IsWritable(ReadOnlySpan<byte> topic) => !topic.StartsWith("$share/"u8) && !topic.SequenceEqual("$share"u8);

    private bool IsBelowRoot(ReadOnlySpan<byte> topic)
    {
        foreach (var root in roots)
        {
            if (topic.StartsWith(root) && (topic.Length == root.Length || topic[root.Length] == '/'))
                return true;
        }

        return false;
    }
}
