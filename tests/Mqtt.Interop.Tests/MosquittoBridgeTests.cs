namespace Mqtt.Interop.Tests;

/// <summary>mosquitto's broker is tied to ours by its bridge, which says that it is one (<c>try_private</c>) or comes as any client.</summary>
public class MosquittoBridgeTests
{
    private const string Format = "%t %q %r %p";

    public static MatrixTheoryData<string, bool> Bridges => new(Mosquitto.Versions, [true, false]);

    [Theory, MemberData(nameof(Bridges))]
    public async Task A_bridge_carries_messages_out_at_their_quality(string version, bool isPrivate)
    {
        await using var ours = await OurBroker.StartAsync();
        await using var theirs = await DebianMosquitto.BridgeAsync(ours, version, isPrivate, "topic out/# out 2");
        await using var subscriber = await Mosquitto.SubscribeAsync(ours, version, "sub", "-t", "#", "-q", "2", "-C", "4", "-F", Format);

        await PublishEachQualityAsync(theirs, version, "out/");

        (await subscriber.SucceedAsync()).Lines.Should().BeEquivalentTo("out/0 0 0 message", "out/1 1 0 message", "out/2 2 0 message", "out/end 2 0 end");
    }

    [Theory, MemberData(nameof(Bridges))]
    public async Task A_bridge_carries_messages_in_at_their_quality(string version, bool isPrivate)
    {
        await using var ours = await OurBroker.StartAsync();
        await using var theirs = await DebianMosquitto.BridgeAsync(ours, version, isPrivate, "topic in/# in 2");
        await using var subscriber = await Mosquitto.SubscribeAsync(theirs, version, "sub", "-t", "#", "-q", "2", "-C", "4", "-F", Format);

        await PublishEachQualityAsync(ours, version, "in/");

        (await subscriber.SucceedAsync()).Lines.Should().BeEquivalentTo("in/0 0 0 message", "in/1 1 0 message", "in/2 2 0 message", "in/end 2 0 end");
    }

    [Theory, MemberData(nameof(Bridges))]
    public async Task A_bridge_for_both_directions_makes_no_loop(string version, bool isPrivate)
    {
        await using var ours = await OurBroker.StartAsync();
        await using var theirs = await DebianMosquitto.BridgeAsync(ours, version, isPrivate, "topic # both 2");
        await using var near = await Mosquitto.SubscribeAsync(ours, version, "near", "-t", "#", "-q", "2", "-F", "%t %p");
        await using var far = await Mosquitto.SubscribeAsync(theirs, version, "far", "-t", "#", "-q", "2", "-F", "%t %p");

        await Mosquitto.PublishAsync(ours, version, "-t", "near", "-q", "2", "-m", "from ours");
        (await far.NextLineAsync()).Should().Be("near from ours");
        (await near.NextLineAsync()).Should().Be("near from ours");
        await Mosquitto.PublishAsync(theirs, version, "-t", "far", "-q", "2", "-m", "from theirs");
        (await far.NextLineAsync()).Should().Be("far from theirs");
        (await near.NextLineAsync()).Should().Be("far from theirs");

        // A broker cannot know that it sends back what a client of 3.x brought, unless that says that it is a bridge.
        if (!isPrivate && version != "mqttv5")
            (await far.NextLineAsync()).Should().Be("far from theirs");

        // What goes round would come before the end.
        await Mosquitto.PublishAsync(ours, version, "-t", "end", "-q", "2", "-m", "of ours");
        (await far.NextLineAsync()).Should().Be("end of ours");
        (await near.NextLineAsync()).Should().Be("end of ours");
        await Mosquitto.PublishAsync(theirs, version, "-t", "end", "-q", "2", "-m", "of theirs");
        (await far.NextLineAsync()).Should().Be("end of theirs");
        (await near.NextLineAsync()).Should().Be("end of theirs");
    }

    [Theory, MemberData(nameof(Bridges))]
    public async Task A_bridge_remaps_topics(string version, bool isPrivate)
    {
        await using var ours = await OurBroker.StartAsync();
        await using var theirs = await DebianMosquitto.BridgeAsync(ours, version, isPrivate, "topic # both 1 local/ plant/7/");
        await using var near = await Mosquitto.SubscribeAsync(ours, version, "near", "-t", "plant/7/up", "-q", "1", "-C", "1", "-v");
        await using var far = await Mosquitto.SubscribeAsync(theirs, version, "far", "-t", "local/down", "-q", "1", "-C", "1", "-v");

        await Mosquitto.PublishAsync(theirs, version, "-t", "local/up", "-q", "1", "-m", "reading");
        await Mosquitto.PublishAsync(ours, version, "-t", "plant/7/down", "-q", "1", "-m", "command");

        (await near.SucceedAsync()).Text.Should().Be("plant/7/up reading\n");
        (await far.SucceedAsync()).Text.Should().Be("local/down command\n");
    }

    [Theory, MemberData(nameof(Bridges))]
    public async Task Retained_messages_that_are_there_already_cross_a_new_bridge_and_stay_retained(string version, bool isPrivate)
    {
        await using var ours = await OurBroker.StartAsync();
        await Mosquitto.PublishAsync(ours, version, "-t", "state/ours", "-q", "1", "-r", "-m", "on");
        await using var theirs = await DebianMosquitto.BridgeAsync(ours, version, isPrivate, "topic state/# both 1");
        await using var watcher = await Mosquitto.SubscribeAsync(theirs, version, "watcher", "-t", "state/#", "-q", "1", "-C", "1");
        await watcher.SucceedAsync();

        var far = await Mosquitto.ReceiveAsync(theirs, version, "far", "-t", "state/#", "-q", "1", "-C", "1", "-F", Format);

        far.Text.Should().Be("state/ours 1 1 on\n");
    }

    [Theory, MemberData(nameof(Bridges))]
    public async Task A_message_that_is_published_as_retained_stays_so_across_a_bridge_that_says_what_it_is(string version, bool isPrivate)
    {
        await using var ours = await OurBroker.StartAsync();
        await using var theirs = await DebianMosquitto.BridgeAsync(ours, version, isPrivate, "topic state/# both 1");
        await using var near = await Mosquitto.SubscribeAsync(ours, version, "near", "-t", "state/theirs", "-q", "1", "-C", "1");
        await using var far = await Mosquitto.SubscribeAsync(theirs, version, "far", "-t", "state/ours", "-q", "1", "-C", "1");

        await Mosquitto.PublishAsync(theirs, version, "-t", "state/theirs", "-q", "1", "-r", "-m", "from theirs");
        await Mosquitto.PublishAsync(ours, version, "-t", "state/ours", "-q", "1", "-r", "-m", "from ours");
        await near.SucceedAsync();
        await far.SucceedAsync();

        ours.RetainedCount.Should().Be(2);
        await using var late = await Mosquitto.SubscribeAsync(theirs, version, "late", "-t", "state/#", "-q", "1", "-F", "%p");
        await Mosquitto.PublishAsync(theirs, version, "-t", "state/theirs", "-q", "1", "-m", "end");

        // A client that does not say what it is gets a message as retained only when that comes with the subscription [MQTT-3.3.1-9].
        string[] kept = isPrivate || version == "mqttv5" ? ["from ours", "from theirs"] : ["from theirs"];
        (await Mosquitto.LinesToEndAsync(late)).Should().BeEquivalentTo(kept);
    }

    [Theory, MemberData(nameof(Bridges))]
    public async Task A_bridge_tells_by_a_retained_message_and_a_will_whether_it_is_there(string version, bool isPrivate)
    {
        await using var ours = await OurBroker.StartAsync();
        await using var watcher = await Mosquitto.SubscribeAsync(ours, version, "watcher", "-t", "bridges/test", "-q", "1", "-C", "2", "-F", Format);
        await using var theirs = await DebianMosquitto.BridgeAsync(ours, version, isPrivate, "topic a out 1", "notification_topic bridges/test");
        (await watcher.NextLineAsync()).Should().Be("bridges/test 1 0 1");
        (await Mosquitto.ReceiveAsync(ours, version, "during", "-t", "bridges/test", "-q", "1", "-C", "1", "-F", Format)).Text.Should().Be("bridges/test 1 1 1\n");

        theirs.Kill();

        await watcher.SucceedAsync();
        (await Mosquitto.ReceiveAsync(ours, version, "after", "-t", "bridges/test", "-q", "1", "-C", "1", "-F", Format)).Text.Should().Be("bridges/test 1 1 0\n");
    }

    [Theory, MemberData(nameof(Bridges))]
    public async Task Notices_that_a_bridge_wants_to_leave_among_the_brokers_own_topics_are_refused_without_closing(string version, bool isPrivate)
    {
        await using var ours = await OurBroker.StartAsync();
        await using var subscriber = await Mosquitto.SubscribeAsync(ours, version, "sub", "-t", "$SYS/broker/connection/#", "-t", "out/#", "-q", "2", "-C", "1", "-v");

        await using var theirs = await DebianMosquitto.BridgeAsync(ours, version, isPrivate, "topic out/# out 2", "notifications true");
        await Mosquitto.PublishAsync(theirs, version, "-t", "out/a", "-q", "2", "-m", "it goes on");

        (await subscriber.SucceedAsync()).Text.Should().Be("out/a it goes on\n");
        ours.RetainedCount.Should().Be(0);
    }

    [Theory, InlineData("mqttv31"), InlineData("mqttv311")]
    public async Task A_bridge_of_3_names_itself_by_its_level_if_it_is_to(string version)
    {
        await using var ours = await OurBroker.StartAsync();
        await using (await DebianMosquitto.BridgeAsync(ours, version, isPrivate: true, "topic a out"))
            ours.IsBridge("bridge").Should().BeTrue();

        await using (await DebianMosquitto.BridgeAsync(ours, version, isPrivate: false, "topic a out"))
            ours.IsBridge("bridge").Should().BeFalse();
    }

    // One message of each quality, and the one that comes last.
    private static async Task PublishEachQualityAsync(IServer server, string version, string prefix)
    {
        for (var quality = 0; quality <= 2; quality++)
            await Mosquitto.PublishAsync(server, version, "-t", $"{prefix}{quality}", "-q", $"{quality}", "-m", "message");
        await Mosquitto.PublishAsync(server, version, "-t", $"{prefix}end", "-q", "2", "-m", "end");
    }
}
