using System.Collections;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Services;

/// <summary>The sessions, with a connection or without. Any thread; a list is what was there while it was made.</summary>
public sealed class BrokerSessions : IEnumerable<SessionSummary>
{
    private readonly SessionTable table;

    internal BrokerSessions(SessionTable table) => this.table = table;

    /// <summary>How many there are.</summary>
    public int Count => table.Count;

    /// <summary>The session of this client; <see langword="null"/> if it has none.</summary>
    public SessionSummary? Find(string clientId) => table.TryFind(clientId, out var session) ? session.Summarize() : null;

    /// <summary>A page of sessions in the order of their clients' identifiers (ordinal).</summary>
    /// <param name="after">The last identifier of the page before. Default: none, the first page.</param>
    /// <param name="count">How many at most. Default: 20.</param>
    public IReadOnlyList<SessionSummary> Page(string? after = null, int count = 20) =>
        [.. Pages.Cut(table.All, session => session.ClientId, after, count).Select(session => session.Summarize())];

    /// <inheritdoc/>
    public IEnumerator<SessionSummary> GetEnumerator() => table.All.Select(session => session.Summarize()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
