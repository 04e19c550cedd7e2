using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Server.Broker.Sessions;

/// <summary>The sessions by client identifier. Any thread; who changes whose session an identifier is holds the client's gate.</summary>
internal sealed class SessionTable
{
    private readonly ConcurrentDictionary<string, Session> sessions = new(StringComparer.Ordinal);

    /// <summary>All sessions at present.</summary>
    public ICollection<Session> All => sessions.Values;

    /// <summary>How many there are.</summary>
    public int Count => sessions.Count;

    /// <summary>The session of a client.</summary>
    public bool TryFind(string clientId, [NotNullWhen(true)] out Session? session) => sessions.TryGetValue(clientId, out session);

    /// <summary>Adds a session, in place of an earlier one of the same client.</summary>
    public void Add(Session session) => sessions[session.ClientId] = session;

    /// <summary>Takes a session out, unless another has taken its place.</summary>
    public void Remove(Session session) => sessions.TryRemove(new(session.ClientId, session));
}
