using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Delivery.Tests;

public class IncomingFlightsTests
{
    private const QualityOfService Qos1 = QualityOfService.AtLeastOnce;
    private const QualityOfService Qos2 = QualityOfService.ExactlyOnce;

    private readonly IncomingFlights flights = new(receiveMaximum: 3);

    [Fact]
    [Spec(V5, "4.3.2-5")]
    [Spec(V311, "4.3.2-2")]
    public void After_PUBACK_the_same_identifier_is_a_new_QoS_1_message()
    {
        flights.OnPublish(Qos1, 7).Should().Be(ArrivalOutcome.New);
        flights.OnPubAckSent();

        flights.OnPublish(Qos1, 7).Should().Be(ArrivalOutcome.New);
    }

    [Fact]
    [Spec(V5, "4.3.3-10")]
    [Spec(V311, "4.3.3-2")]
    public void Until_PUBREL_the_same_identifier_is_a_duplicate_at_QoS_2()
    {
        flights.OnPublish(Qos2, 7).Should().Be(ArrivalOutcome.New);

        flights.OnPublish(Qos2, 7).Should().Be(ArrivalOutcome.Duplicate);
        flights.OnPublish(Qos2, 8).Should().Be(ArrivalOutcome.New);
        flights.PacketIds.Should().BeEquivalentTo([(ushort)7, (ushort)8]);
    }

    [Fact]
    [Spec(V5, "4.3.3-12")]
    [Spec(V311, "4.3.3-2")]
    public void After_PUBREL_the_same_identifier_is_a_new_message()
    {
        flights.OnPublish(Qos2, 7);
        flights.OnPubRel(7).Should().BeTrue();
        flights.OnPubRel(7).Should().BeFalse("it is unknown by now");

        flights.OnPublish(Qos2, 7).Should().Be(ArrivalOutcome.New);
    }

    [Fact]
    [Spec(V5, "4.3.3-9")]
    public void After_a_refusal_the_same_identifier_is_a_new_message()
    {
        flights.OnPublish(Qos2, 7);
        flights.OnRefused(7);
        flights.Unacknowledged.Should().Be(0);

        flights.OnPublish(Qos2, 7).Should().Be(ArrivalOutcome.New);
    }

    [Fact]
    public void One_more_than_the_Receive_Maximum_is_told()
    {
        flights.OnPublish(Qos1, 1);
        flights.OnPublish(Qos2, 2);
        flights.OnPublish(Qos2, 3);
        flights.Unacknowledged.Should().Be(3);

        flights.OnPublish(Qos1, 4).Should().Be(ArrivalOutcome.QuotaExceeded);
        flights.OnPublish(Qos2, 4).Should().Be(ArrivalOutcome.QuotaExceeded);
        flights.PacketIds.Should().NotContain((ushort)4);
    }

    [Fact]
    public void PUBACK_PUBREL_and_refusal_free_the_quota_and_a_duplicate_uses_none()
    {
        flights.OnPublish(Qos1, 1);
        flights.OnPublish(Qos2, 2);
        flights.OnPublish(Qos2, 3);
        flights.OnPublish(Qos2, 3).Should().Be(ArrivalOutcome.Duplicate);

        flights.OnPubAckSent();
        flights.OnPubRel(2);
        flights.OnRefused(3);

        flights.Unacknowledged.Should().Be(0);
        flights.OnPubAckSent();
        flights.OnPubRel(2);
        flights.Unacknowledged.Should().Be(0, "what was not received frees nothing");
    }

    [Fact]
    [Spec(V5, "4.3.3-10")]
    [Spec(V311, "4.3.3-2")]
    public void A_new_connection_keeps_the_identifiers_and_counts_anew()
    {
        flights.OnPublish(Qos1, 1);
        flights.OnPublish(Qos2, 2);
        flights.OnPublish(Qos2, 3);

        flights.Reconnect(receiveMaximum: 1);
        flights.Unacknowledged.Should().Be(0);

        flights.OnPublish(Qos2, 2).Should().Be(ArrivalOutcome.Duplicate);
        flights.Unacknowledged.Should().Be(1, "sent again, it counts");
        flights.OnPublish(Qos2, 3).Should().Be(ArrivalOutcome.QuotaExceeded);
        flights.OnPubRel(2);
        flights.OnPublish(Qos2, 3).Should().Be(ArrivalOutcome.Duplicate);
    }

    [Fact]
    public void A_PUBREL_of_an_earlier_connection_frees_no_quota_of_this_one()
    {
        flights.OnPublish(Qos2, 2);
        flights.Reconnect(receiveMaximum: 1);
        flights.OnPublish(Qos1, 9);

        flights.OnPubRel(2).Should().BeTrue();

        flights.OnPublish(Qos1, 10).Should().Be(ArrivalOutcome.QuotaExceeded);
    }

    [Fact]
    public void A_stored_identifier_is_a_duplicate()
    {
        flights.Restore(5);

        flights.Unacknowledged.Should().Be(0);
        flights.OnPublish(Qos2, 5).Should().Be(ArrivalOutcome.Duplicate);
    }

    [Fact]
    public void Clearing_forgets_everything()
    {
        flights.OnPublish(Qos1, 1);
        flights.OnPublish(Qos2, 2);

        flights.Clear();

        flights.Unacknowledged.Should().Be(0);
        flights.PacketIds.Should().BeEmpty();
        flights.OnPublish(Qos2, 2).Should().Be(ArrivalOutcome.New);
    }

    [Fact]
    public void All_65535_identifiers_can_wait_for_PUBREL_at_once()
    {
        var wide = new IncomingFlights(65_535);
        for (var id = 1; id <= 65_535; id++)
            wide.OnPublish(Qos2, (ushort)id).Should().Be(ArrivalOutcome.New);

        wide.OnPublish(Qos1, 1).Should().Be(ArrivalOutcome.QuotaExceeded);
        for (var id = 1; id <= 65_535; id++)
            wide.OnPubRel((ushort)id).Should().BeTrue();
        wide.Unacknowledged.Should().Be(0);
    }

    [Fact]
    public void A_Receive_Maximum_of_0_is_refused() =>
        FluentActions.Invoking(() => new IncomingFlights(0)).Should().Throw<ArgumentOutOfRangeException>();

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
                flights.OnPublish(Qos1, 1);
                flights.OnPublish(Qos2, (ushort)((i & 0x7FFF) + 1));
                flights.OnPubAckSent();
                flights.OnPubRel((ushort)((i & 0x7FFF) + 1));
            }
        }
    }
}
