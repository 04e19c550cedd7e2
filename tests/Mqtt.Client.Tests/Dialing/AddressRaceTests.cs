using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Mqtt.Client.Tests.Dialing;

public sealed class AddressRaceTests : IDisposable
{
    private static readonly TimeSpan Lead = TimeSpan.FromMilliseconds(250);

    private readonly VirtualTime time = new();
    private readonly CancellationTokenSource cancel = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<Socket>> attempts = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<bool>> begins = new();
    private readonly ConcurrentQueue<string> begun = new();

    // Attempts do not hear that they are given up.
    private bool isDeaf;

    public void Dispose() => cancel.Dispose();

    [Fact]
    public async Task An_address_that_refuses_is_followed_by_the_next_at_once()
    {
        var race = Run("::1", "::2", "127.0.0.1");
        Refuse("::1");
        await BegunAsync("127.0.0.1");
        using var socket = Answer("127.0.0.1");

        (await race.Soon()).Should().BeSameAs(socket);
        begun.Should().Equal("::1", "127.0.0.1");
    }

    [Fact]
    public async Task An_address_that_does_not_answer_costs_a_quarter_of_a_second_and_is_given_up()
    {
        var race = Run("::1", "127.0.0.1");
        time.Advance(Lead - TimeSpan.FromTicks(1));
        begun.Should().Equal("::1");
        time.Advance(TimeSpan.FromTicks(1));
        await BegunAsync("127.0.0.1");
        using var socket = Answer("127.0.0.1");

        (await race.Soon()).Should().BeSameAs(socket);
        time.TimerCount.Should().Be(0);
    }

    [Fact]
    public async Task An_address_that_answers_late_wins_all_the_same_if_it_is_the_first_to_answer()
    {
        var race = Run("::1", "127.0.0.1");
        time.Advance(Lead);
        await BegunAsync("127.0.0.1");
        using var socket = Answer("::1");

        (await race.Soon()).Should().BeSameAs(socket);
    }

    [Fact]
    public async Task If_two_answer_the_socket_of_one_is_closed()
    {
        isDeaf = true;
        var race = Run("::1", "127.0.0.1");
        time.Advance(Lead);
        await BegunAsync("127.0.0.1");
        var (first, second) = (Answer("127.0.0.1"), Answer("::1"));

        using var winner = await race.Soon();
        var loser = winner == first ? second : first;
        winner.Available.Should().Be(0);
        FluentActions.Invoking(() => loser.Available).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public async Task If_nobody_can_be_reached_the_last_reason_is_told()
    {
        var race = Run("::1", "127.0.0.1");
        Refuse("::1", SocketError.NetworkUnreachable);
        await BegunAsync("127.0.0.1");
        Refuse("127.0.0.1", SocketError.ConnectionRefused);

        var failed = await FluentActions.Awaiting(() => race.Soon()).Should().ThrowAsync<SocketException>();
        failed.Which.SocketErrorCode.Should().Be(SocketError.ConnectionRefused);
    }

    [Fact]
    public async Task The_families_take_turns()
    {
        var race = Run("::1", "::2", "::3", "127.0.0.1", "127.0.0.2");
        foreach (var next in new[] { "127.0.0.1", "::2", "127.0.0.2", "::3" })
        {
            Refuse(begun.Last());
            await BegunAsync(next);
        }

        Refuse("::3");
        await FluentActions.Awaiting(() => race.Soon()).Should().ThrowAsync<SocketException>();
        begun.Should().Equal("::1", "127.0.0.1", "::2", "127.0.0.2", "::3");
    }

    [Fact]
    public async Task A_cancelled_race_begins_nothing_more()
    {
        var race = Run("::1", "127.0.0.1");
        await cancel.CancelAsync();

        await FluentActions.Awaiting(() => race.Soon()).Should().ThrowAsync<OperationCanceledException>();
        begun.Should().Equal("::1");
        time.TimerCount.Should().Be(0);
    }

    // Begins the first attempt before it returns.
    private Task<Socket> Run(params string[] addresses) =>
        AddressRace.RunAsync([.. addresses.Select(IPAddress.Parse)], ConnectAsync, time, cancel.Token);

    private async Task<Socket> ConnectAsync(IPAddress address, CancellationToken cancellationToken)
    {
        var name = address.ToString();
        var attempt = attempts.GetOrAdd(name, static _ => Source<Socket>());
        begun.Enqueue(name);
        begins.GetOrAdd(name, static _ => Source<bool>()).SetResult(true);
        return await (isDeaf ? attempt.Task : attempt.Task.WaitAsync(cancellationToken));
    }

    private Task<bool> BegunAsync(string address) => begins.GetOrAdd(address, static _ => Source<bool>()).Task.Soon();

    private void Refuse(string address, SocketError error = SocketError.ConnectionRefused) => attempts[address].SetException(new SocketException((int)error));

    private Socket Answer(string address)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        attempts[address].SetResult(socket);
        return socket;
    }

    private static TaskCompletionSource<T> Source<T>() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
