namespace Mqtt.Broker.Tests.Model;

/// <summary>Chooses what happens next: anything, but most often something that can happen now.</summary>
internal sealed class HistoryMaker(SeededRandom random, World world)
{
    private static readonly string[] Clients = ["a", "b", "c"];
    private static readonly string[] Topics = ["x", "x/y", "z"];
    private static readonly string[] Filters = ["x", "x/y", "z", "#", "x/#", "+", "+/y", "will/+", "will/a"];

    // Where two of them match, one has a single member: else it could not be told for which of them a client got its copy.
    private static readonly string[] SharedFilters = ["$share/g/x", "$share/g/x/y", "$share/h/z"];
    private const string OnlyOfFirst = "$share/h/+";

    // Its messages may expire, and it always speaks 5.0: sent again by 3.x, they would be others that look the same.
    private const string Expiring = "b";

    private readonly int[] sessionExpiries = [0, 0, 2, 4, 60, 100_000];
    private readonly bool sharesOften = random.Chance(25);
    private readonly bool isAboutTime = random.Chance(35);

    // The shorter they are, the more often something is due at the very beat at which something else happens.
    private readonly int longestSeconds = random.Next(1, 5);
    private readonly Dictionary<string, string> lastFilters = [];
    private int lastPayload;
    private int times;

    public Step Next()
    {
        var client = Clients[random.Next(Clients.Length)];
        var device = world.Of(client);
        if (world.HasSlowCommits && random.Chance(25))
            return new Commit(random.Chance(40) ? 1000 : random.Next(1, 6));
        if (world.HasSlowCommits && times < MostTimes && random.Chance(3))
        {
            times++;
            return new Crash(random.Next(5));
        }

        var step = device.CanSend ? NextOf(client, device) : device.HasConnection && random.Chance(70) ? NextOf(client, device) : MakeConnect(client);
        return step is not (Pass or Cut or CutReceiving) && random.Chance(8) ? step with { CutAfter = random.Next(40) } : step;
    }

    private int MostTimes => isAboutTime ? 12 : 4;

    private Step NextOf(string client, Device device) => random.Next(isAboutTime ? 120 : 100) switch
    {
        < 6 => MakeConnect(client),
        < 22 => MakeSubscribe(client),
        < 27 => new Unsubscribe(client, random.Chance(70) ? lastFilters.GetValueOrDefault(client, Filters[0]) : Filter(client)),
        < 63 => MakePublish(client),
        < 84 => new Acknowledge(client, random.Chance(60) ? 100 : random.Next(1, 4)),
        < 88 => new Disconnect(client, random.Chance(30) ? 4 : 0, random.Chance(75) ? -1 : Expiry()),
        < 91 => new Cut(client),
        < 94 => new CutReceiving(client, random.Next(1, 60)),
        _ when times++ < MostTimes => new Pass(Beats()),
        _ => MakePublish(client),
    };

    private Connect MakeConnect(string client)
    {
        var version = client == Expiring || random.Chance(50) ? 5 : random.Next(3, 6);
        var connect = new Connect(client, version, random.Chance(20), Will: random.Chance(40) ? MakeWill(client, version) : null);
        return version < 5 ? connect : connect with
        {
            Expiry = Expiry(),
            Window = random.Chance(sharesOften ? 75 : 40) ? random.Next(1, 4) : 100,
            Aliases = random.Chance(20) ? 3 : 0,
            Small = random.Chance(10),
        };
    }

    private Will MakeWill(string client, int version)
    {
        var will = new Will($"will/{client}", ++lastPayload, random.Next(3), random.Chance(30));
        return version < 5 ? will : will with { Delay = random.Chance(50) ? Seconds() : 0, Expiry = random.Chance(30) ? Seconds() : 0 };
    }

    private Subscribe MakeSubscribe(string client)
    {
        var filter = lastFilters[client] = Filter(client);
        return new Subscribe(
            client, filter, random.Next(3), random.Chance(15) && !filter.StartsWith('$'), random.Chance(40), random.Next(3), random.Chance(40) ? random.Next(1, 300) : 0);
    }

    private Publish MakePublish(string client)
    {
        var topic = random.Chance(10) ? $"will/{client}" : Topics[random.Next(Topics.Length)];
        var retain = random.Chance(30);
        return new Publish(client, topic, retain && random.Chance(20) ? 0 : ++lastPayload, random.Next(3), retain, client == Expiring && random.Chance(isAboutTime ? 90 : 50) ? Seconds() : 0, random.Chance(25) ? random.Next(1, 3) : 0);
    }

    private string Filter(string client)
    {
        if (!random.Chance(sharesOften ? 60 : 5))
            return Filters[random.Next(Filters.Length)];
        return client == Clients[0] && random.Chance(30) ? OnlyOfFirst : SharedFilters[random.Next(SharedFilters.Length)];
    }

    private int Seconds() => random.Next(1, longestSeconds + 1);

    // All that is due is due after whole seconds: at that beat, the one before or the one after.
    private int Beats() => ((isAboutTime || random.Chance(80) ? Seconds() : 61) * 10) + random.Next(-1, 2);

    private int Expiry() => sessionExpiries[random.Next(sessionExpiries.Length)];
}
