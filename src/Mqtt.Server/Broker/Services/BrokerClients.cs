using System.Collections;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Services;

/// <summary>The clients that are connected now. Any thread; a list is what was there while it was made.</summary>
public sealed class BrokerClients : IEnumerable<BrokerClient>
{
    private readonly SessionTable table;

    internal BrokerClients(SessionTable table) => this.table = table;

    /// <summary>The client of this name; <see langword="null"/> if it is not connected.</summary>
    public BrokerClient? Find(string clientId) => table.TryFind(clientId, out var session) ? session.Attachment : null;

    /// <summary>A page of clients in the order of their identifiers (ordinal).</summary>
    /// <param name="after">The last identifier of the page before. Default: none, the first page.</param>
    /// <param name="count">How many at most. Default: 20.</param>
    public IReadOnlyList<BrokerClient> Page(string? after = null, int count = 20) => Pages.Cut(this, client => client.ClientId, after, count);

    /// <inheritdoc/>
    public IEnumerator<BrokerClient> GetEnumerator()
    {
        foreach (var session in table.All)
        {
            if (session.Attachment is { } client)
                yield return client;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
