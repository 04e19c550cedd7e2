using System.Text;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>Topics that name a client: <c>{parent}/p2p/{client id}</c>. Immutable.</summary>
internal sealed class PointToPoint
{
    private readonly byte[][] prefixes;
    private readonly SessionTable table;

    private PointToPoint(byte[][] prefixes, SessionTable table)
    {
        this.prefixes = prefixes;
        this.table = table;
    }

    /// <summary>For these parents; <see langword="null"/> if there are none.</summary>
    public static PointToPoint? Create(IReadOnlyList<string> parents, SessionTable table) =>
        parents.Count == 0 ? null : new PointToPoint([.. parents.Select(parent => Encoding.UTF8.GetBytes(parent + "/p2p/"))], table);

    /// <summary>True if the topic names a client.</summary>
    public bool IsMeant(ReadOnlySpan<byte> topic) => PrefixOf(topic) > 0;

    /// <summary>The session of the client that the topic names; <see langword="null"/> if it has none.</summary>
    public Session? Find(ReadOnlySpan<byte> topic) =>
        table.TryFind(Encoding.UTF8.GetString(topic[PrefixOf(topic)..]), out var session) ? session : null;

    private int PrefixOf(ReadOnlySpan<byte> topic)
    {
        foreach (var prefix in prefixes)
        {
            if (topic.Length > prefix.Length && topic.StartsWith(prefix))
                return prefix.Length;
        }

        return 0;
    }
}
