using Mqtt.Protocol.Delivery;

namespace Mqtt.Client.Tests;

/// <summary>What every <see cref="IMqttPublishStore"/> promises. An implementation inherits it.</summary>
public abstract class PublishStoreSpecification : IAsyncLifetime
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private IMqttStoredQueue? queue;

    /// <summary>The store under test, new and empty.</summary>
    protected abstract IMqttPublishStore Store { get; }

    public virtual async ValueTask InitializeAsync() => queue = await Store.OpenAsync("tester").Soon();

    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (queue is not null)
            await queue.DisposeAsync();
    }

    [Fact]
    public async Task A_new_queue_is_empty() => (await queue!.ReadAsync().Soon()).Should().BeEmpty();

    [Fact]
    public async Task What_was_written_is_there_for_the_next_process_in_the_order_of_the_numbers()
    {
        var first = Message(1) with { Expires = Noon.AddTicks(7) };
        var second = Message(2) with { Version = MqttProtocolVersion.V311, Packet = new byte[100_000] };
        await WriteAsync(Add(first));
        await WriteAsync(Add(second), Add(Message(long.MaxValue)));

        var stored = await ReopenAsync();
        stored.Select(message => message.Number).Should().Equal(1, 2, long.MaxValue);
        Same(stored[0], first);
        Same(stored[1], second);
    }

    [Theory]
    [InlineData(FlightState.AwaitingPubAck)]
    [InlineData(FlightState.AwaitingPubRec)]
    [InlineData(FlightState.AwaitingPubComp)]
    public async Task A_state_comes_and_goes(FlightState state)
    {
        await WriteAsync(Add(Message(1)), Add(Message(2)));
        await WriteAsync(State(1, state, ushort.MaxValue, order: 5));
        var stored = await ReopenAsync();
        Same(stored[0], Message(1) with { State = state, PacketId = ushort.MaxValue, Order = 5 });
        Same(stored[1], Message(2));

        await WriteAsync(State(1, FlightState.None, 0, order: 0));
        Same((await ReopenAsync())[0], Message(1));
    }

    [Fact]
    public async Task The_last_state_counts()
    {
        await WriteAsync(Add(Message(1)), State(1, FlightState.AwaitingPubRec, 7, order: 1), State(1, FlightState.AwaitingPubComp, 7, order: 2));

        Same((await ReopenAsync()).Single(), Message(1) with { State = FlightState.AwaitingPubComp, PacketId = 7, Order = 2 });
    }

    [Fact]
    public async Task What_is_removed_is_gone_with_its_state()
    {
        await WriteAsync(Add(Message(1)), State(1, FlightState.AwaitingPubAck, 7, order: 1), Add(Message(2)));
        await WriteAsync(Remove(1));
        (await ReopenAsync()).Select(message => message.Number).Should().Equal(2);

        await WriteAsync(Add(Message(1)));
        Same((await ReopenAsync())[0], Message(1));
    }

    [Fact]
    public async Task A_message_that_is_added_and_removed_at_once_was_never_there()
    {
        await WriteAsync(Add(Message(1)), State(1, FlightState.AwaitingPubAck, 7, order: 1), Remove(1));

        (await ReopenAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task A_change_of_what_is_not_there_does_nothing()
    {
        await WriteAsync(State(1, FlightState.AwaitingPubAck, 7, order: 1), Remove(2), Add(Message(3)));
        await WriteAsync(Add(Message(1)));

        var stored = await ReopenAsync();
        stored.Select(message => message.Number).Should().Equal(1, 3);
        Same(stored[0], Message(1));
    }

    [Fact]
    public async Task Adding_under_a_number_that_is_there_takes_its_place_with_all_its_members()
    {
        await WriteAsync(Add(Message(1)), State(1, FlightState.AwaitingPubAck, 7, order: 1));
        var other = Message(1) with { Packet = new byte[] { 9 }, Expires = Noon };
        await WriteAsync(Add(other));
        Same((await ReopenAsync()).Single(), other);

        var inFlight = other with { State = FlightState.AwaitingPubRec, PacketId = 3, Order = 4 };
        await WriteAsync(Add(inFlight));
        Same((await ReopenAsync()).Single(), inFlight);
    }

    [Fact]
    public async Task The_same_changes_once_more_change_nothing()
    {
        MqttPublishChange[] changes = [Add(Message(1)), State(1, FlightState.AwaitingPubAck, 7, order: 1), Add(Message(2)), Remove(2)];
        await WriteAsync(changes);
        await WriteAsync(changes);

        Same((await ReopenAsync()).Single(), Message(1) with { State = FlightState.AwaitingPubAck, PacketId = 7, Order = 1 });
    }

    [Fact]
    public async Task Thousands_of_changes_fit_into_a_write()
    {
        await WriteAsync([.. Enumerable.Range(1, 5000).Select(number => Add(Message(number)))]);
        await WriteAsync([.. Enumerable.Range(1, 4999).Select(number => Remove(number))]);

        Same((await ReopenAsync()).Single(), Message(5000));
    }

    [Fact]
    public async Task A_queue_that_is_open_is_not_opened_again()
    {
        await FluentActions.Awaiting(() => Store.OpenAsync("tester").Soon()).Should().ThrowAsync<MqttStoreException>();

        await WriteAsync(Add(Message(1)));
        (await ReopenAsync()).Should().ContainSingle();
    }

    [Fact]
    public async Task The_queue_of_another_client_is_not_handed_out_and_stays_as_it_is()
    {
        await WriteAsync(Add(Message(1)));
        await queue!.DisposeAsync();
        queue = null;
        IMqttStoredQueue? theirs = null;
        try
        {
            theirs = await Store.OpenAsync("another").Soon();
            (await theirs.ReadAsync().Soon()).Should().BeEmpty();
        }
        catch (MqttStoreException)
        {
            // A place that holds the queue of one client alone says so.
        }

        if (theirs is not null)
            await theirs.DisposeAsync();
        queue = await Store.OpenAsync("tester").Soon();
        Same((await queue.ReadAsync().Soon()).Single(), Message(1));
    }

    /// <summary>Makes changes of the open queue.</summary>
    protected Task WriteAsync(params MqttPublishChange[] changes) => queue!.WriteAsync(changes).Soon();

    /// <summary>Closes the queue and opens it again, as the next process does.</summary>
    protected async Task<IReadOnlyList<MqttStoredPublish>> ReopenAsync()
    {
        await queue!.DisposeAsync();
        queue = null;
        queue = await Store.OpenAsync("tester").Soon();
        return await queue.ReadAsync().Soon();
    }

    protected static MqttPublishChange Add(MqttStoredPublish message) => new(MqttPublishChangeKind.Add, message);

    protected static MqttStoredPublish Message(long number) => new() { Number = number, Version = MqttProtocolVersion.V500, Packet = BitConverter.GetBytes(number) };

    protected static MqttPublishChange Remove(long number) => new(MqttPublishChangeKind.Remove, new() { Number = number });

    private static MqttPublishChange State(long number, FlightState state, ushort packetId, long order) =>
        new(MqttPublishChangeKind.SetState, new() { Number = number, State = state, PacketId = packetId, Order = order });

    private static void Same(MqttStoredPublish one, MqttStoredPublish other)
    {
        one.Packet.ToArray().Should().Equal(other.Packet.ToArray());
        (one with { Packet = default }).Should().Be(other with { Packet = default });
    }
}
