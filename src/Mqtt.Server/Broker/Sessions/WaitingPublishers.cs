namespace Mqtt.Server.Broker.Sessions;

/// <summary>The publishers that wait for one slow session, each for a bounded time. The session's lock guards it.</summary>
internal sealed class WaitingPublishers(SessionContext context)
{
    private readonly List<Pause> pauses = [];

    /// <summary>One more waits.</summary>
    public Pause Add()
    {
        var pause = new Pause(context.Options.Scheduler);
        pauses.Add(pause);
        context.Statistics.OnPublisherPaused();
        context.Heartbeat.Set(pause, context.Now + (long)context.Options.PublisherPause.TotalMilliseconds);
        return pause;
    }

    /// <summary>All go on.</summary>
    public void EndAll()
    {
        foreach (var pause in pauses)
        {
            context.Heartbeat.Clear(pause);
            pause.End();
        }

        pauses.Clear();
    }
}
