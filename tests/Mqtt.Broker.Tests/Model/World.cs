using Mqtt.Server.Broker.Storage;

namespace Mqtt.Broker.Tests.Model;

/// <summary>
/// One history: a broker, its clients, and the model that looks on. After each step all goes on until nothing can happen any more, and the
/// model says whether that was right. Everything runs on the calling thread, and the same steps always give the same.
/// </summary>
internal sealed class World : IDisposable
{
    private readonly BrokerHarness harness;
    private readonly Dictionary<string, Device> devices = [];
    private readonly List<(Link Link, Device Device)> links = [];

    public World(IBrokerStore? store)
    {
        harness = new BrokerHarness(store, options => options with { Limits = options.Limits with { OutgoingTopicAliasMaximum = 2 } })
        {
            CommitsWhenIdle = false,
        };
        Model.OnTime(Now);
    }

    public BrokerModel Model { get; } = new();

    public bool HasSlowCommits => harness.Store is ManualCommitStore;

    private long Now => (long)harness.Time.Elapsed.TotalMilliseconds;

    public Device Of(string clientId)
    {
        if (!devices.TryGetValue(clientId, out var device))
            devices.Add(clientId, device = new Device(this, clientId));
        return device;
    }

    public void Do(Step step)
    {
        // Only one waits for the store when a connection ends, since in which order several go on nobody can tell; and none while time passes:
        // who waits for ten seconds to be let in is sent away.
        var actor = Actor(step);
        if ((step is Pass || step.CutAfter is not null || actor is { IsWaiting: true }) && devices.Values.Any(device => device.IsWaiting && device != actor))
        {
            CommitsInThisStep();
            Quiet();
        }

        switch (step)
        {
            case Connect connect:
                Of(connect.Client).Connect(connect);
                break;
            case Subscribe subscribe:
                Act(subscribe.Client, step, device => device.Subscribe(subscribe));
                break;
            case Unsubscribe unsubscribe:
                Act(unsubscribe.Client, step, device => device.Unsubscribe(unsubscribe));
                break;
            case Publish publish:
                Act(publish.Client, step, device => device.Publish(publish));
                break;
            case Acknowledge acknowledge:
                Act(acknowledge.Client, step, device => device.Acknowledge(acknowledge.Count));
                break;
            case Disconnect disconnect:
                Act(disconnect.Client, step, device => device.Disconnect(disconnect));
                break;
            case Cut cut:
                Of(cut.Client).Cut();
                break;
            case CutReceiving cut:
                Of(cut.Client).CutReceivingAfter(cut.Bytes);
                break;
            case Pass pass:
                harness.Advance(TimeSpan.FromMilliseconds(100 * pass.Beats));
                Model.OnTime(Now);
                break;
            case Commit commit when harness.Store is ManualCommitStore store:
                BrokerHarness.Quietly(() => store.Commit(commit.Writes));
                break;
            case Crash crash when HasSlowCommits:
                Crash(crash.Writes);
                break;
        }

        Quiet();
        if (step.CutAfter is null || actor is not { HasConnection: true })
            return;
        actor.Cut();
        Quiet();
    }

    /// <summary>Whatever the store has to commit it commits in this step, since the broker notices the end of a connection that waits for it only afterwards.</summary>
    public void CommitsInThisStep() => harness.CommitsWhenIdle = true;

    public Link Open(Device device, MqttProtocolVersion version)
    {
        var link = new Link(harness, device.ClientId, version);
        links.Add((link, device));
        return link;
    }

    /// <summary>Everybody comes back and acknowledges everything: then nothing may be left that is owed.</summary>
    public void Settle()
    {
        harness.CommitsWhenIdle = true;
        Quiet(settles: true);
        foreach (var device in devices.Values)
        {
            if (!device.HasConnection)
                Do(new Connect(device.ClientId, Expiry: 60));
        }

        harness.CommitsWhenIdle = true;
        Quiet(settles: true);
        while (devices.Values.Any(device => device.OwedCount > 0))
        {
            foreach (var device in devices.Values)
                device.Acknowledge(int.MaxValue);
            Quiet(settles: true);
        }
    }

    public void Dispose()
    {
        foreach (var (link, _) in links)
            link.Dispose();
        harness.CommitsWhenIdle = true;
        harness.Dispose();
        if (harness.Log.Errors.Count > 0)
            throw new ModelException($"The broker has logged {string.Join("; ", harness.Log.Errors)}");
    }

    private Device? Actor(Step step) => step switch
    {
        Connect { Client: var client } => Of(client),
        Subscribe { Client: var client } => Of(client),
        Unsubscribe { Client: var client } => Of(client),
        Publish { Client: var client } => Of(client),
        Acknowledge { Client: var client } => Of(client),
        Disconnect { Client: var client } => Of(client),
        Cut { Client: var client } => Of(client),
        CutReceiving { Client: var client } => Of(client),
        _ => null,
    };

    private void Act(string clientId, Step step, Action<Device> action)
    {
        var device = Of(clientId);
        if (!device.CanSend)
            return;
        if (step.CutAfter is { } bytes)
            device.CutSendingAfter(bytes);
        action(device);
    }

    private void Crash(int writes)
    {
        var store = (ManualCommitStore)harness.Store!;
        BrokerHarness.Quietly(() => store.Commit(writes));
        foreach (var (link, _) in links)
            link.Dispose();
        links.Clear();
        harness.Crash();
        foreach (var device in devices.Values)
            device.Forget();
        harness.CommitsWhenIdle = false;
        Model.OnCrash(harness.Store!, harness.Time.GetUtcNow(), Now);
        harness.Advance(TimeSpan.FromMilliseconds(100));
        Model.OnTime(Now);
    }

    // What was sent before reaches the broker, and then the end.
    private void End(Link link)
    {
        harness.Run();
        link.Dispose();
        harness.Run();
    }

    private void Quiet(bool settles = false)
    {
        bool hasMore;
        do
        {
            harness.Run();
            var came = links.ConvertAll(pair => (pair.Link, pair.Device, Packets: pair.Link.Receive().ToList()));
            hasMore = came.Exists(pair => pair.Packets.Count > 0);

            // What everybody has been sent by now comes before whatever anybody does about it.
            foreach (var (link, device, packets) in came)
                packets.ForEach(packet => device.See(link, packet));
            foreach (var (link, device, packets) in came)
            {
                packets.ForEach(packet => device.React(link, packet));
                if (link is { IsForgotten: true, IsDead: false })
                    End(link);
            }
        }
        while (hasMore);
        links.RemoveAll(pair => pair.Link.IsDead);
        harness.CommitsWhenIdle = settles;
        var allIsSafe = harness.Store is not ManualCommitStore { IsAllSafe: false };
        Model.OnQuiet(allIsSafe);
        if (allIsSafe && Model.SessionCount != harness.Broker.SessionCount)
            throw new ModelException($"There are {harness.Broker.SessionCount} sessions in place of {Model.SessionCount}");
    }
}
