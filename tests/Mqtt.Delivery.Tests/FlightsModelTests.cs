using FsCheck;
using FsCheck.Fluent;
using Mqtt.Protocol;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Delivery.Tests;

/// <summary><see cref="OutgoingFlights{T}"/> does the same as a plain dictionary and a list would, whatever is called in whatever order.</summary>
public class FlightsModelTests
{
    public enum Call
    {
        BeginQoS1,
        BeginQoS2,
        Reserve,
        PubAck,
        PubRec,
        PubRecFailed,
        PubComp,
        Answer,
        Replace,
        Reconnect,
        Resend,
        Store,
    }

    // Mostly what fills the table and goes on in it; seldom what starts anew.
    private static readonly Gen<Call> Calls = Gen.Frequency(
        (6, Gen.Elements(Call.BeginQoS1, Call.BeginQoS2, Call.Reserve)),
        (9, Gen.Elements(Call.PubAck, Call.PubRec, Call.PubRecFailed, Call.PubComp, Call.Answer)),
        (3, Gen.Constant(Call.Resend)),
        (1, Gen.Elements(Call.Replace, Call.Reconnect, Call.Store)));

    private static readonly Gen<(Call Call, int Number)> Steps = Calls.SelectMany(call => Gen.Choose(0, 1_000_000).Select(number => (call, number)));

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(100)]
    [Spec(V5, "2.2.1-3")]
    [Spec(V5, "2.2.1-4")]
    [Spec(V5, "4.9.0-2")]
    [Spec(V311, "2.3.1-2")]
    [Spec(V311, "2.3.1-4")]
    public void The_table_does_what_a_dictionary_would(int largestWindow)
    {
        var property = Prop.ForAll(Steps.ListOf().Resize(400).ToArbitrary(), steps =>
        {
            var pair = new Pair(largestWindow);
            foreach (var (call, number) in steps)
                pair.Make(call, number);
        });

        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1_000), property);
    }

    /// <summary>The table and its model, which are asked the same and must answer the same.</summary>
    private sealed class Pair(int largestWindow)
    {
        private readonly Model model = new(largestWindow);
        private OutgoingFlights<int> flights = new(largestWindow);
        private int lastMessage;

        public void Make(Call call, int number)
        {
            switch (call)
            {
                case Call.BeginQoS1:
                    Begin(QualityOfService.AtLeastOnce, FlightState.AwaitingPubAck);
                    break;
                case Call.BeginQoS2:
                    Begin(QualityOfService.ExactlyOnce, FlightState.AwaitingPubRec);
                    break;
                case Call.Reserve:
                    Same(flights.TryReserve(++lastMessage, out var reserved), true);
                    model.Add(reserved, FlightState.AwaitingAnswer, lastMessage, counted: false);
                    break;
                case Call.PubAck or Call.PubComp or Call.Answer:
                    Finish(call, Id(number));
                    break;
                case Call.PubRec or Call.PubRecFailed:
                    Receive(Id(number), failed: call == Call.PubRecFailed);
                    break;
                case Call.Replace when model.Flights.Count > 0:
                    var replaced = model.Flights[number % model.Flights.Count];
                    flights.Replace(replaced.PacketId, ++lastMessage);
                    replaced.Message = lastMessage;
                    break;
                case Call.Reconnect:
                    var window = 1 + number % largestWindow;
                    flights.Reconnect(window);
                    model.Reconnect(window);
                    break;
                case Call.Resend:
                    Resend();
                    break;
                case Call.Store:
                    Store();
                    break;
            }

            Compare();
        }

        private void Begin(QualityOfService qualityOfService, FlightState state)
        {
            var began = flights.TryBegin(qualityOfService, ++lastMessage, out var packetId);
            Same(began, model.HasRoom);
            if (began)
                model.Add(packetId, state, lastMessage, counted: true);
        }

        private void Finish(Call call, ushort packetId)
        {
            int message;
            var (outcome, expected) = call switch
            {
                Call.PubAck => (flights.OnPubAck(packetId, out message), FlightState.AwaitingPubAck),
                Call.PubComp => (flights.OnPubComp(packetId, out message), FlightState.AwaitingPubComp),
                _ => (flights.OnAnswer(packetId, out message), FlightState.AwaitingAnswer),
            };
            Same((outcome, message), model.Finish(packetId, expected));
        }

        private void Receive(ushort packetId, bool failed)
        {
            var outcome = flights.OnPubRec(packetId, failed, out var message);
            Same((outcome, message), model.OnPubRec(packetId, failed));
        }

        private void Resend()
        {
            var resends = flights.TryNextResend(out var packetId, out var state, out var message);
            Same(resends ? (packetId, state, message) : default, model.NextResend());
        }

        // The owner's process starts anew from what was stored.
        private void Store()
        {
            var stored = flights.Flights();
            flights = new OutgoingFlights<int>(largestWindow);
            foreach (var (packetId, state, message) in stored)
                flights.Restore(packetId, state, message);
            model.Restore(largestWindow);
        }

        private void Compare()
        {
            Same(flights.Count, model.Flights.Count);
            Same(flights.Unacknowledged, model.Flights.Count(flight => flight.Counted));
            Same(flights.Unacknowledged <= flights.Window, true);
            Same(flights.Flights().SequenceEqual(model.Flights.Select(flight => (flight.PacketId, flight.State, flight.Message))), true);
            Same(model.Flights.TrueForAll(flight => flights.StateOf(flight.PacketId) == flight.State), true);
        }

        // Millions of comparisons: the assertions for people would take a minute.
        private static void Same<TValue>(TValue value, TValue expected)
        {
            if (!EqualityComparer<TValue>.Default.Equals(value, expected))
                throw new InvalidOperationException($"It is {value}; the model says {expected}.");
        }

        // Three times of four one that is in use, else any.
        private ushort Id(int number) =>
            number % 4 == 0 || model.Flights.Count == 0 ? (ushort)(number / 4) : model.Flights[number / 4 % model.Flights.Count].PacketId;
    }

    private sealed class Model(int firstWindow)
    {
        private int window = firstWindow;
        private List<ushort> resends = [];

        public List<Flight> Flights { get; } = [];

        public bool HasRoom => Flights.Count(flight => flight.Counted) < window && resends.Count == 0;

        public void Add(ushort packetId, FlightState state, int message, bool counted)
        {
            if (packetId == 0 || Flights.Exists(flight => flight.PacketId == packetId))
                throw new InvalidOperationException($"Identifier {packetId} was given out.");
            Flights.Add(new Flight { PacketId = packetId, State = state, Message = message, Counted = counted });
        }

        public (FlightOutcome, int) Finish(ushort packetId, FlightState expected)
        {
            var flight = Flights.Find(it => it.PacketId == packetId);
            if (flight is null)
                return (FlightOutcome.Unknown, 0);
            if (flight.State != expected)
                return (FlightOutcome.WrongKind, 0);
            Flights.Remove(flight);
            return (FlightOutcome.Completed, flight.Message);
        }

        public (FlightOutcome, int) OnPubRec(ushort packetId, bool failed)
        {
            var flight = Flights.Find(it => it.PacketId == packetId);
            if (flight is null)
                return (FlightOutcome.Unknown, 0);
            if (flight.State is not (FlightState.AwaitingPubRec or FlightState.AwaitingPubComp))
                return (FlightOutcome.WrongKind, 0);
            if (failed)
                return Finish(packetId, flight.State);
            if (flight.State == FlightState.AwaitingPubRec)
            {
                flight.State = FlightState.AwaitingPubComp;
                Flights.Remove(flight);
                Flights.Add(flight);
            }

            return (FlightOutcome.Release, flight.Message);
        }

        public void Reconnect(int newWindow)
        {
            window = newWindow;
            Flights.ForEach(flight => flight.Counted = false);
            var published = Flights.Where(flight => flight.State is FlightState.AwaitingPubAck or FlightState.AwaitingPubRec);
            resends = [.. Flights.Where(flight => flight.State == FlightState.AwaitingPubComp).Concat(published).Select(flight => flight.PacketId)];
        }

        public (ushort, FlightState, int) NextResend()
        {
            while (resends.Count > 0)
            {
                var flight = Flights.Find(it => it.PacketId == resends[0] && it.State != FlightState.AwaitingAnswer);
                if (flight?.State is FlightState.AwaitingPubAck or FlightState.AwaitingPubRec && Flights.Count(it => it.Counted) >= window)
                    return default;
                resends.RemoveAt(0);
                if (flight is null)
                    continue;
                flight.Counted |= flight.State != FlightState.AwaitingPubComp;
                return (flight.PacketId, flight.State, flight.Message);
            }

            return default;
        }

        public void Restore(int newWindow)
        {
            window = newWindow;
            resends = [];
            Flights.ForEach(flight => flight.Counted = false);
        }
    }

    private sealed class Flight
    {
        public required ushort PacketId { get; init; }

        public required FlightState State { get; set; }

        public required int Message { get; set; }

        public required bool Counted { get; set; }
    }
}
