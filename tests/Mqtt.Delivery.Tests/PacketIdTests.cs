using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Delivery.Tests;

public class PacketIdTests
{
    private readonly OutgoingFlights<string> flights = new(window: 65_535);

    [Fact]
    [Spec(V5, "2.2.1-3")]
    [Spec(V5, "2.2.1-4")]
    [Spec(V311, "2.3.1-1")]
    [Spec(V311, "2.3.1-2")]
    public void Identifiers_go_round_and_are_never_0()
    {
        var given = new List<ushort>();
        for (var i = 0; i < 200_000; i++)
        {
            given.Add(Begin());
            flights.OnPubAck(given[^1], out _).Should().Be(FlightOutcome.Completed);
        }

        given.Take(65_535).Should().Equal(Enumerable.Range(1, 65_535).Select(id => (ushort)id));
        given.Skip(65_535).Take(3).Should().Equal(1, 2, 3);
        given.Should().NotContain((ushort)0);
    }

    [Fact]
    [Spec(V5, "2.2.1-3")]
    [Spec(V5, "2.2.1-4")]
    [Spec(V5, "4.3.2-1")]
    [Spec(V5, "4.3.3-1")]
    [Spec(V311, "2.3.1-2")]
    [Spec(V311, "2.3.1-4")]
    public void An_identifier_in_flight_is_passed_over_by_every_kind_of_packet()
    {
        var kept = new HashSet<ushort> { Begin(), Begin(QualityOfService.ExactlyOnce), Reserve() };

        for (var i = 0; i < 70_000; i++)
        {
            var id = (i % 3) switch
            {
                0 => Begin(),
                1 => Begin(QualityOfService.ExactlyOnce),
                _ => Reserve(),
            };
            kept.Should().NotContain(id);
            Finish(id);
        }
    }

    [Fact]
    [Spec(V311, "2.3.1-3")]
    [Spec(V311, "2.3.1-4")]
    public void An_identifier_is_free_after_PUBACK_PUBCOMP_or_the_answer_and_not_before()
    {
        var (atLeastOnce, exactlyOnce, subscribe) = (Begin(), Begin(QualityOfService.ExactlyOnce), Reserve());

        flights.OnPubRec(exactlyOnce, failed: false, out _);
        flights.Count.Should().Be(3);
        flights.StateOf(exactlyOnce).Should().Be(FlightState.AwaitingPubComp);

        flights.OnPubComp(exactlyOnce, out _).Should().Be(FlightOutcome.Completed);
        flights.OnPubAck(atLeastOnce, out _).Should().Be(FlightOutcome.Completed);
        flights.OnAnswer(subscribe, out _).Should().Be(FlightOutcome.Completed);
        flights.Count.Should().Be(0);
        new[] { atLeastOnce, exactlyOnce, subscribe }.Should().OnlyContain(id => flights.StateOf(id) == FlightState.None);
    }

    [Fact]
    [Spec(V5, "2.2.1-3")]
    [Spec(V311, "2.3.1-2")]
    public void All_65535_can_be_in_use_at_once_and_then_there_is_none()
    {
        var given = new HashSet<ushort>();
        for (var i = 0; i < 65_535; i++)
            given.Add(i % 2 == 0 ? Begin() : Reserve()).Should().BeTrue();

        flights.Count.Should().Be(65_535);
        flights.HasRoom.Should().BeFalse();
        flights.TryBegin(QualityOfService.AtLeastOnce, "one more", out _).Should().BeFalse();
        flights.TryReserve("one more", out _).Should().BeFalse();

        Finish(4711);
        flights.TryReserve("the last", out var last).Should().BeTrue();
        last.Should().Be(4711);
    }

    [Fact]
    public void Restored_identifiers_are_in_use_however_they_lie()
    {
        ushort[] stored = [65_535, 1, 17, 33, 4_097, 32_769, 16];
        foreach (var id in stored)
            flights.Restore(id, FlightState.AwaitingPubAck, $"m{id}");

        flights.Flights().Select(flight => flight.PacketId).Should().Equal(stored);
        for (var i = 0; i < 65_535 - stored.Length; i++)
            stored.Should().NotContain(Reserve());
        flights.TryReserve("none is left", out _).Should().BeFalse();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    public void Restoring_0_or_an_identifier_in_use_is_refused(ushort id)
    {
        flights.Restore(7, FlightState.AwaitingPubRec, "m");

        flights.Invoking(it => it.Restore(id, FlightState.AwaitingPubRec, "again")).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Nothing_is_allocated_by_messages_that_come_and_go()
    {
        Run(1000);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(100_000);

        (GC.GetAllocatedBytesForCurrentThread() - before).Should().Be(0);

        void Run(int count)
        {
            for (var i = 0; i < count; i++)
            {
                flights.TryBegin(QualityOfService.ExactlyOnce, "m", out var second);
                flights.TryBegin(QualityOfService.AtLeastOnce, "m", out var first);
                flights.OnPubAck(first, out _);
                flights.OnPubRec(second, failed: false, out _);
                flights.OnPubComp(second, out _);
            }
        }
    }

    private ushort Begin(QualityOfService qualityOfService = QualityOfService.AtLeastOnce)
    {
        if (!flights.TryBegin(qualityOfService, "m", out var id))
            throw new InvalidOperationException("There is no room.");
        return id;
    }

    private ushort Reserve()
    {
        if (!flights.TryReserve("s", out var id))
            throw new InvalidOperationException("There is no room.");
        return id;
    }

    private void Finish(ushort id)
    {
        if (flights.OnPubAck(id, out _) == FlightOutcome.Completed || flights.OnAnswer(id, out _) == FlightOutcome.Completed)
            return;
        flights.OnPubRec(id, failed: true, out _).Should().Be(FlightOutcome.Completed);
    }
}
