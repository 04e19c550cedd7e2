using System.Diagnostics.CodeAnalysis;

namespace Mqtt.Client;

/// <summary>
/// Which server to try next. An attempt goes round all of them once, beginning with the one that worked last, or with the one to which a server has
/// sent us. One attempt at a time uses it.
/// </summary>
internal sealed class ServerList(MqttClientOptions options)
{
    // A server that sends us on is believed so often in one round: two might send us to each other for ever.
    private const int MostReferences = 3;

    private readonly Uri[] servers = options.Servers.Count > 0 ? [.. options.Servers] : [options.Server];
    private int first;
    private int tried;

    // Where a server has sent us, for one connection or for good, as long as it can be reached.
    private Uri? referred;
    private bool isForGood;
    private bool isReferredNext;
    private int references;

    /// <summary>True if there is more than one server.</summary>
    public bool HasSeveral => servers.Length > 1;

    /// <summary>Begins an attempt.</summary>
    public void BeginRound()
    {
        tried = references = 0;
        isReferredNext = referred is not null;
    }

    /// <summary>The next server of this round.</summary>
    public bool TryNext([NotNullWhen(true)] out Uri? server)
    {
        if (isReferredNext)
        {
            isReferredNext = false;
            server = referred!;
            return true;
        }

        server = tried < servers.Length ? servers[(first + tried++) % servers.Length] : null;
        return server is not null;
    }

    /// <summary>A server has accepted: the next round begins with it.</summary>
    public void OnConnected(Uri server)
    {
        if (ReferenceEquals(server, referred) && isForGood)
            return;
        referred = null;
        first = Math.Max(Array.IndexOf(servers, server), 0);
    }

    /// <summary>A server cannot be reached.</summary>
    public void OnFailed(Uri server)
    {
        if (ReferenceEquals(server, referred))
            referred = null;
    }

    /// <summary>
    /// A server says that another one is to be used, for now or from now on; true if that one is allowed, and will be the next to be tried. Section 4.11:
    /// a list of hosts with or without a port, separated by spaces; the first that is allowed counts.
    /// </summary>
    public bool TryFollow(ReasonCode reasonCode, string? reference, Uri from)
    {
        if (reference is null || reasonCode is not (ReasonCode.UseAnotherServer or ReasonCode.ServerMoved) || references++ == MostReferences)
            return false;
        foreach (var candidate in reference.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!TryParse(candidate, from, out var server) || !IsAllowed(server))
                continue;
            (referred, isReferredNext, isForGood) = (server, true, reasonCode == ReasonCode.ServerMoved);
            return true;
        }

        return false;
    }

    // Nothing but a host and a port: whatever else the address needs is taken from the server that sent us.
    private static bool TryParse(string candidate, Uri from, [NotNullWhen(true)] out Uri? server)
    {
        server = null;
        if (candidate.AsSpan().ContainsAny("/?#@\\") || !Uri.TryCreate($"{from.Scheme}://{candidate}", UriKind.Absolute, out var parsed))
            return false;
        server = new UriBuilder(from) { Host = parsed.Host, Port = parsed.IsDefaultPort ? -1 : parsed.Port }.Uri;
        return true;
    }

    private bool IsAllowed(Uri server) => options.Reconnect.AllowedReferences.Any(allowed => IsAllowed(server, allowed));

    private static bool IsAllowed(Uri server, string allowed)
    {
        var isDomain = allowed.StartsWith("*.", StringComparison.Ordinal);
        if (!Uri.TryCreate($"{server.Scheme}://{(isDomain ? allowed[2..] : allowed)}", UriKind.Absolute, out var pattern))
            return false;
        var isHost = isDomain
            ? server.HostNameType == UriHostNameType.Dns && server.Host.EndsWith("." + pattern.Host, StringComparison.OrdinalIgnoreCase)
            : server.Host.Equals(pattern.Host, StringComparison.OrdinalIgnoreCase);
        return isHost && (pattern.IsDefaultPort || pattern.Port == server.Port);
    }
}
