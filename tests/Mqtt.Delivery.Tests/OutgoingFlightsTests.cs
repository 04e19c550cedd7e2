using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Delivery.Tests;

public class OutgoingFlightsTests
{
    private readonly OutgoingFlights<string> flights = new(window: 3);

    [Fact]
    [Spec(V5, "4.3.2-3")]
    [Spec(V311, "4.3.2-1")]
    public void A_QoS_1_message_is_unacknowledged_until_PUBACK()
    {
        var id = Begin("a");
        flights.Unacknowledged.Should().Be(1);
        flights.StateOf(id).Should().Be(FlightState.AwaitingPubAck);

        flights.OnPubAck(id, out var message).Should().Be(FlightOutcome.Completed);

        message.Should().Be("a");
        flights.Unacknowledged.Should().Be(0);
        flights.OnPubAck(id, out _).Should().Be(FlightOutcome.Unknown, "it comes a second time");
    }

    [Fact]
    [Spec(V5, "4.3.3-3")]
    [Spec(V5, "4.3.3-4")]
    [Spec(V5, "4.3.3-5")]
    [Spec(V311, "4.3.3-1")]
    public void A_QoS_2_message_goes_from_PUBLISH_over_PUBREL_to_PUBCOMP()
    {
        var id = Begin("a", QualityOfService.ExactlyOnce);
        flights.StateOf(id).Should().Be(FlightState.AwaitingPubRec);

        flights.OnPubRec(id, failed: false, out var received).Should().Be(FlightOutcome.Release);
        received.Should().Be("a");
        flights.StateOf(id).Should().Be(FlightState.AwaitingPubComp);
        flights.Unacknowledged.Should().Be(1, "the quota is freed by PUBCOMP");

        flights.OnPubComp(id, out var completed).Should().Be(FlightOutcome.Completed);
        completed.Should().Be("a");
        flights.Unacknowledged.Should().Be(0);
        flights.OnPubComp(id, out _).Should().Be(FlightOutcome.Unknown, "it comes a second time");
    }

    [Fact]
    [Spec(V5, "4.3.3-4")]
    public void A_PUBREC_that_comes_again_is_answered_again_and_changes_no_order()
    {
        var (first, second) = (Begin("a", QualityOfService.ExactlyOnce), Begin("b", QualityOfService.ExactlyOnce));
        flights.OnPubRec(first, failed: false, out _);
        flights.OnPubRec(second, failed: false, out _);

        flights.OnPubRec(first, failed: false, out _).Should().Be(FlightOutcome.Release);

        flights.Reconnect(3);
        Resends().Should().Equal((first, FlightState.AwaitingPubComp), (second, FlightState.AwaitingPubComp));
    }

    [Fact]
    [Spec(V5, "4.4.0-2")]
    public void A_PUBREC_that_failed_completes_the_delivery_and_it_is_not_sent_again()
    {
        var id = Begin("a", QualityOfService.ExactlyOnce);

        flights.OnPubRec(id, failed: true, out var message).Should().Be(FlightOutcome.Completed);

        message.Should().Be("a");
        flights.Unacknowledged.Should().Be(0);
        flights.Reconnect(3);
        Resends().Should().BeEmpty();
    }

    [Theory]
    [InlineData(FlightState.AwaitingPubAck)]
    [InlineData(FlightState.AwaitingPubRec)]
    [InlineData(FlightState.AwaitingPubComp)]
    [InlineData(FlightState.AwaitingAnswer)]
    public void An_acknowledgement_of_another_kind_is_told_and_changes_nothing(FlightState state)
    {
        var id = InState(state);
        var (count, unacknowledged) = (flights.Count, flights.Unacknowledged);

        if (state != FlightState.AwaitingPubAck)
            flights.OnPubAck(id, out _).Should().Be(FlightOutcome.WrongKind);
        if (state is not (FlightState.AwaitingPubRec or FlightState.AwaitingPubComp))
        {
            flights.OnPubRec(id, failed: false, out _).Should().Be(FlightOutcome.WrongKind);
            flights.OnPubRec(id, failed: true, out _).Should().Be(FlightOutcome.WrongKind);
        }

        if (state != FlightState.AwaitingPubComp)
            flights.OnPubComp(id, out _).Should().Be(FlightOutcome.WrongKind);
        if (state != FlightState.AwaitingAnswer)
            flights.OnAnswer(id, out _).Should().Be(FlightOutcome.WrongKind);

        (flights.StateOf(id), flights.Count, flights.Unacknowledged).Should().Be((state, count, unacknowledged));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(17)]
    [InlineData(65_535)]
    public void An_acknowledgement_of_nothing_is_told_and_changes_nothing(ushort id)
    {
        flights.Restore(33, FlightState.AwaitingPubAck, "shares a slot with 1 and 17 while the table is small");

        flights.OnPubAck(id, out _).Should().Be(FlightOutcome.Unknown);
        flights.OnPubRec(id, failed: false, out _).Should().Be(FlightOutcome.Unknown);
        flights.OnPubRec(id, failed: true, out _).Should().Be(FlightOutcome.Unknown);
        flights.OnPubComp(id, out _).Should().Be(FlightOutcome.Unknown);
        flights.OnAnswer(id, out _).Should().Be(FlightOutcome.Unknown);
        flights.Count.Should().Be(1);
    }

    [Fact]
    [Spec(V5, "3.3.4-7")]
    [Spec(V5, "3.3.4-9")]
    [Spec(V5, "4.9.0-1")]
    [Spec(V5, "4.9.0-2")]
    public void No_more_messages_are_in_flight_than_the_Receive_Maximum_allows()
    {
        var ids = new[] { Begin("a"), Begin("b", QualityOfService.ExactlyOnce), Begin("c", QualityOfService.ExactlyOnce) };
        MayNotBegin();

        flights.OnPubRec(ids[1], failed: false, out _);
        MayNotBegin();

        flights.OnPubComp(ids[1], out _);
        Begin("d");
        MayNotBegin();

        flights.OnPubRec(ids[2], failed: true, out _);
        Begin("e");
        MayNotBegin();

        flights.OnPubAck(ids[0], out _);
        Begin("f");
        MayNotBegin();
    }

    [Fact]
    [Spec(V5, "3.3.4-8")]
    [Spec(V5, "3.3.4-10")]
    [Spec(V5, "4.9.0-3")]
    public void A_window_that_is_used_up_delays_neither_SUBSCRIBE_nor_PUBREL()
    {
        var id = Begin("a", QualityOfService.ExactlyOnce);
        Begin("b");
        Begin("c");
        MayNotBegin();

        flights.TryReserve("subscribe", out var subscribe).Should().BeTrue();
        flights.OnPubRec(id, failed: false, out _).Should().Be(FlightOutcome.Release);
        flights.OnAnswer(subscribe, out _).Should().Be(FlightOutcome.Completed);
        flights.Unacknowledged.Should().Be(3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65_536)]
    public void A_window_is_1_to_65535(int window)
    {
        flights.Invoking(it => it.Reconnect(window)).Should().Throw<ArgumentOutOfRangeException>();
        FluentActions.Invoking(() => new OutgoingFlights<string>(window)).Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    [Spec(V5, "4.4.0-1")]
    [Spec(V5, "4.6.0-1")]
    [Spec(V311, "4.4.0-1")]
    [Spec(V311, "4.6.0-1")]
    [Spec(V311, "2.3.1-3")]
    public void After_a_reconnect_what_is_unacknowledged_is_sent_again_in_the_old_order_under_the_old_identifiers()
    {
        var wide = new OutgoingFlights<int>(100);
        var ids = Enumerable.Range(0, 50).Select(i =>
        {
            wide.TryBegin(i % 2 == 0 ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce, i, out var id).Should().BeTrue();
            return id;
        }).ToArray();
        for (var i = 0; i < 50; i += 5)
        {
            _ = i % 2 == 0 ? wide.OnPubAck(ids[i], out _) : wide.OnPubRec(ids[i], failed: true, out _);
        }

        wide.Reconnect(100);

        var sent = new List<(ushort Id, int Message)>();
        while (wide.TryNextResend(out var id, out _, out var message))
            sent.Add((id, message));
        sent.Should().Equal(Enumerable.Range(0, 50).Where(i => i % 5 != 0).Select(i => (ids[i], i)));
        wide.HasResends.Should().BeFalse();
    }

    [Fact]
    [Spec(V5, "4.3.3-6")]
    [Spec(V5, "4.6.0-4")]
    [Spec(V311, "4.6.0-4")]
    public void After_a_reconnect_PUBREL_is_sent_again_in_the_order_of_the_PUBRECs_and_its_PUBLISH_is_not()
    {
        var ids = new[] { Begin("a", QualityOfService.ExactlyOnce), Begin("b", QualityOfService.ExactlyOnce), Begin("c", QualityOfService.ExactlyOnce) };
        flights.OnPubRec(ids[2], failed: false, out _);
        flights.OnPubRec(ids[0], failed: false, out _);

        flights.Reconnect(3);

        Resends().Should().Equal((ids[2], FlightState.AwaitingPubComp), (ids[0], FlightState.AwaitingPubComp), (ids[1], FlightState.AwaitingPubRec));
    }

    [Fact]
    [Spec(V5, "4.6.0-4")]
    [Spec(V311, "4.6.0-4")]
    public void A_smaller_window_holds_no_PUBREL_back_behind_a_PUBLISH()
    {
        var ids = new[] { Begin("a", QualityOfService.ExactlyOnce), Begin("b", QualityOfService.ExactlyOnce), Begin("c", QualityOfService.ExactlyOnce) };
        flights.OnPubRec(ids[0], failed: false, out _);

        flights.Reconnect(1);

        Resends().Should().Equal((ids[0], FlightState.AwaitingPubComp), (ids[1], FlightState.AwaitingPubRec));
        flights.OnPubRec(ids[1], failed: false, out _).Should().Be(FlightOutcome.Release, "its PUBREL leaves after that of the older PUBREC");
    }

    [Fact]
    [Spec(V5, "4.9.0-2")]
    public void After_a_reconnect_with_a_smaller_window_it_is_kept_and_new_messages_come_last()
    {
        var ids = new[] { Begin("a"), Begin("b"), Begin("c") };

        flights.Reconnect(1);

        Resends().Should().Equal((ids[0], FlightState.AwaitingPubAck));
        flights.HasResends.Should().BeTrue();
        MayNotBegin();
        flights.OnPubAck(ids[0], out _);
        MayNotBegin();
        Resends().Should().Equal((ids[1], FlightState.AwaitingPubAck));
        flights.OnPubAck(ids[1], out _);
        Resends().Should().Equal((ids[2], FlightState.AwaitingPubAck));
        MayNotBegin();
        flights.OnPubAck(ids[2], out _);
        Begin("d");
    }

    [Fact]
    public void A_second_reconnect_in_the_midst_of_sending_again_begins_anew()
    {
        var ids = new[] { Begin("a"), Begin("b"), Begin("c") };
        flights.Reconnect(2);
        Resends().Should().HaveCount(2);

        flights.Reconnect(3);

        Resends().Select(resend => resend.Id).Should().Equal(ids);
    }

    [Fact]
    public void What_was_completed_before_its_turn_is_not_sent_again_nor_is_who_has_its_identifier_now()
    {
        flights.Restore(65_535, FlightState.AwaitingPubAck, "a");
        flights.Reconnect(1);
        flights.OnPubAck(65_535, out _).Should().Be(FlightOutcome.Completed);
        ushort id;
        do
            flights.TryReserve("subscribe", out id).Should().BeTrue();
        while (id != 65_535);

        Resends().Should().BeEmpty();
        flights.HasResends.Should().BeFalse();
        flights.StateOf(65_535).Should().Be(FlightState.AwaitingAnswer);
    }

    [Fact]
    public void SUBSCRIBE_and_UNSUBSCRIBE_are_not_sent_again()
    {
        flights.TryReserve("subscribe", out _);
        var id = Begin("a");

        flights.Reconnect(3);

        Resends().Should().Equal((id, FlightState.AwaitingPubAck));
    }

    [Fact]
    public void A_PUBREL_of_an_earlier_connection_does_not_count_against_the_window()
    {
        var id = Begin("a", QualityOfService.ExactlyOnce);
        flights.OnPubRec(id, failed: false, out _);

        flights.Reconnect(1);
        Resends().Should().HaveCount(1);
        flights.Unacknowledged.Should().Be(0);
        Begin("b");

        flights.OnPubComp(id, out _);
        flights.Unacknowledged.Should().Be(1, "the send quota is not raised above its beginning");
        MayNotBegin();
    }

    [Fact]
    public void A_stored_session_is_restored_in_its_order_and_sent_again()
    {
        flights.Restore(900, FlightState.AwaitingPubRec, "a");
        flights.Restore(3, FlightState.AwaitingPubComp, "b");
        flights.Restore(16_387, FlightState.AwaitingPubAck, "c");
        flights.HasResends.Should().BeFalse("nothing is sent before there is a connection");

        flights.Reconnect(3);

        Resends().Should().Equal((3, FlightState.AwaitingPubComp), (900, FlightState.AwaitingPubRec), (16_387, FlightState.AwaitingPubAck));
    }

    [Fact]
    public void What_is_kept_of_a_message_can_be_looked_at_and_changed()
    {
        var id = Begin("a", QualityOfService.ExactlyOnce);
        flights.Replace(id, "less");

        flights.TryGet(id, out var state, out var message).Should().BeTrue();
        (state, message).Should().Be((FlightState.AwaitingPubRec, "less"));
        flights.TryGet(4711, out state, out _).Should().BeFalse();
        state.Should().Be(FlightState.None);
        flights.Invoking(it => it.Replace(4711, "x")).Should().Throw<ArgumentException>();
    }

    [Fact]
    public void Clearing_forgets_everything()
    {
        Begin("a");
        flights.TryReserve("s", out _);
        flights.Reconnect(3);

        flights.Clear();

        (flights.Count, flights.Unacknowledged, flights.HasResends, flights.HasRoom).Should().Be((0, 0, false, true));
        flights.Flights().Should().BeEmpty();
        Begin("b");
    }

    private ushort Begin(string message, QualityOfService qualityOfService = QualityOfService.AtLeastOnce)
    {
        flights.TryBegin(qualityOfService, message, out var id).Should().BeTrue();
        return id;
    }

    private void MayNotBegin()
    {
        flights.HasRoom.Should().BeFalse();
        flights.TryBegin(QualityOfService.AtLeastOnce, "x", out var id).Should().BeFalse();
        id.Should().Be(0);
    }

    private ushort InState(FlightState state)
    {
        if (state == FlightState.AwaitingAnswer)
        {
            flights.TryReserve("s", out var subscribe);
            return subscribe;
        }

        var id = Begin("a", state == FlightState.AwaitingPubAck ? QualityOfService.AtLeastOnce : QualityOfService.ExactlyOnce);
        if (state == FlightState.AwaitingPubComp)
            flights.OnPubRec(id, failed: false, out _);
        return id;
    }

    private List<(ushort Id, FlightState State)> Resends()
    {
        var sent = new List<(ushort, FlightState)>();
        while (flights.TryNextResend(out var id, out var state, out _))
            sent.Add((id, state));
        return sent;
    }
}
