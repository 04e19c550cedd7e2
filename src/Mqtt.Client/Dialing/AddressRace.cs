using System.Net;
using System.Net.Sockets;

namespace Mqtt.Client;

/// <summary>
/// Tries the addresses of a host so that a dead one costs a quarter of a second, not the whole time that there is: each begins when the one
/// before it has failed or has not answered for so long, the two families take turns, and the first to answer wins (RFC 8305, sections 4 and 5).
/// </summary>
internal static class AddressRace
{
    /// <summary>How long one address has before the next one begins as well. As RFC 8305 recommends.</summary>
    public static readonly TimeSpan Lead = TimeSpan.FromMilliseconds(250);

    /// <summary>Connects to one of the addresses; the others are given up.</summary>
    /// <param name="addresses">In the order of preference; at least one.</param>
    /// <param name="connect">Connects to one of them.</param>
    /// <param name="time">The clock of <see cref="Lead"/>.</param>
    /// <param name="cancellationToken">Ends all attempts.</param>
    /// <exception cref="SocketException">None could be reached: the reason of the last.</exception>
    public static async Task<Socket> RunAsync(
        IReadOnlyList<IPAddress> addresses, Func<IPAddress, CancellationToken, Task<Socket>> connect, TimeProvider time, CancellationToken cancellationToken)
    {
        var waiting = new Queue<IPAddress>(InTurns(addresses));
        var running = new List<Task<Socket>>();
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            while (true)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (waiting.TryDequeue(out var next))
                    running.Add(connect(next, over.Token));
                if (await FirstAsync(running, waiting.Count > 0 ? time : null, over.Token).ConfigureAwait(false) is not { } ended)
                    continue;
                var isLast = waiting.Count == 0 && running.Count == 1;
                running.Remove(ended);
                if (isLast || ended.IsCompletedSuccessfully)
                    return await ended.ConfigureAwait(false);
            }
        }
        finally
        {
            await over.CancelAsync().ConfigureAwait(false);
            foreach (var late in running)
                await GiveUpAsync(late).ConfigureAwait(false);
        }
    }

    /// <summary>The first attempt that has ended; none if the time of the latest is over before.</summary>
    private static async Task<Task<Socket>?> FirstAsync(List<Task<Socket>> running, TimeProvider? time, CancellationToken cancellationToken)
    {
        if (time is null)
            return await Task.WhenAny(running).ConfigureAwait(false);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var lead = Task.Delay(Lead, time, ended.Token);
        var first = await Task.WhenAny([.. running, lead]).ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        return first as Task<Socket>;
    }

    private static IEnumerable<IPAddress> InTurns(IReadOnlyList<IPAddress> addresses)
    {
        var families = addresses.GroupBy(address => address.AddressFamily).Select(family => family.ToArray()).ToArray();
        for (var i = 0; i < addresses.Count; i++)
        {
            foreach (var family in families)
            {
                if (i < family.Length)
                    yield return family[i];
            }
        }
    }

    // It may have connected all the same.
    private static async Task GiveUpAsync(Task<Socket> late)
    {
        await ((Task)late).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (late.IsCompletedSuccessfully)
            late.Result.Dispose();
    }
}
