namespace Mqtt.Server.Tests;

/// <summary>
/// A hostile peer costs bounded memory and its own connection, and nobody else anything. Memory is measured where the server takes it:
/// in buffers that are rented.
/// </summary>
public sealed class HostilePeerTests : IDisposable
{
    private const int ConnectionBytes = 16 * 1024;

    private readonly DrivenServer server;
    private readonly ScriptedPeer bystander;
    private readonly long before;

    public HostilePeerTests()
    {
        server = new DrivenServer(new InlineHandler(Handlers.Basic), connectionBytes: ConnectionBytes);
        bystander = server.Connect("bystander");
        before = BufferPool.RentedBytes;
    }

    private long HeldBytes => BufferPool.RentedBytes - before;

    public void Dispose()
    {
        bystander.Send(new PingReqPacket());
        bystander.Expect<PingRespPacket>();
        server.Dispose();
    }

    [Fact]
    public void Garbage_closes_its_own_connection_and_leaves_nothing_behind()
    {
        var random = new SeededRandom(20_301);
        for (var i = 0; i < 500; i++)
        {
            var garbage = new byte[random.Next(1, 3000)];
            random.NextBytes(garbage);
            var isClient = random.Chance(50);
            var peer = isClient ? server.Connect("garbage") : server.Dial();

            Ignore(() => peer.SendBytes(garbage));
            peer.Abort();
            server.Run();

            HeldBytes.Should().Be(0);
        }

        server.Server.Connections.Should().ContainSingle();
    }

    [Fact]
    public void Garbage_before_CONNECT_is_closed_at_the_first_byte()
    {
        var peer = server.Dial();

        peer.SendBytes("GET / HTTP/1.1\r\n\r\n"u8);

        peer.ExpectEnd();
    }

    [Fact]
    public void A_CONNECT_that_never_comes_is_waited_for_ten_seconds_and_costs_no_buffer()
    {
        var peer = server.Dial();

        server.Advance(9.8);
        HeldBytes.Should().Be(0);
        peer.ExpectNothing();
        server.Advance(0.3);

        peer.ExpectEnd();
        server.Server.Connections.Should().ContainSingle();
    }

    [Fact]
    public void Half_a_CONNECT_and_then_silence_costs_a_small_buffer_for_ten_seconds()
    {
        var peer = server.Dial();
        peer.SendBytes(0x10, 0xFF, 0x7F, 0, 4, (byte)'M');
        server.Run();

        HeldBytes.Should().BeInRange(1, 64);
        server.Advance(10.1);

        peer.ExpectEnd();
        HeldBytes.Should().Be(0);
    }

    [Fact]
    public void A_CONNECT_that_drips_byte_by_byte_has_ten_seconds_all_the_same()
    {
        var peer = server.Dial();
        byte[] connect = [0x10, 60, 0, 4, .. "MQTT"u8, 5, 2, 0, 0, 0, 0, 47, .. new byte[47]];
        for (var i = 0; i < 10; i++)
        {
            peer.SendBytes(connect[i]);
            server.Advance(0.99);
            HeldBytes.Should().BeLessThan(1024);
        }

        server.Advance(0.3);

        peer.ExpectEnd();
    }

    [Fact]
    public void Half_a_packet_of_a_client_and_then_silence_costs_what_was_sent_until_the_keep_alive_ends_it()
    {
        var peer = server.Connect("half", keepAlive: 10);
        peer.SendBytes([0x30, 0xE8, 0x07, 0, 1, (byte)'t', .. new byte[300]]);
        server.Run();
        HeldBytes.Should().BeInRange(300, 1024);

        server.Advance(15.3);

        peer.Expect<DisconnectPacket>().ReasonCode.Should().Be(ReasonCode.KeepAliveTimeout);
        peer.Abort();
        server.Run();
        HeldBytes.Should().Be(0);
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V311)]
    [InlineData(MqttProtocolVersion.V500)]
    public void An_announced_length_of_256_MB_is_refused_as_soon_as_it_is_known(MqttProtocolVersion version)
    {
        var peer = server.Connect("huge", version);

        peer.SendBytes(0x30, 0xFF, 0xFF, 0xFF, 0x7F);

        if (version == MqttProtocolVersion.V500)
            peer.Expect<DisconnectPacket>().ReasonCode.Should().Be(ReasonCode.PacketTooLarge);
        peer.ExpectEnd();
        peer.Abort();
        server.Run();
        HeldBytes.Should().Be(0);
    }

    [Fact]
    public void A_CONNECT_that_announces_256_MB_is_closed_as_soon_as_it_is_known()
    {
        var peer = server.Dial();

        peer.SendBytes(0x10, 0xFF, 0xFF, 0xFF, 0x7F);

        peer.ExpectEnd();
        HeldBytes.Should().Be(0);
    }

    [Fact]
    public void An_announced_length_that_is_allowed_costs_only_the_bytes_that_came()
    {
        var peer = server.Connect("large");

        peer.SendBytes([0x30, 0xF0, 0xFF, 0xFF, 0x07, 0, 1, (byte)'t', .. new byte[1000]]);
        server.Run();
        HeldBytes.Should().BeInRange(1000, 2048);

        for (var i = 0; i < 20; i++)
            peer.SendBytes(new byte[10_000]);
        server.Run();
        HeldBytes.Should().BeInRange(200_000, 1024 * 1024);

        peer.Abort();
        server.Run();
        HeldBytes.Should().Be(0);
    }

    [Fact]
    public void A_client_that_sends_a_packet_byte_by_byte_holds_a_small_buffer()
    {
        var peer = server.Connect("slow", keepAlive: 10);
        peer.SendBytes(0x30, 100, 0, 1, (byte)'t');
        for (var i = 0; i < 60; i++)
        {
            peer.SendBytes(1);
            server.Advance(1);
            HeldBytes.Should().BeLessThanOrEqualTo(128);
        }

        peer.ExpectNothing();
        peer.Abort();
    }

    [Fact]
    public void A_client_that_asks_on_and_on_and_takes_no_answer_is_cut_before_it_costs_much()
    {
        const int Bound = 64 * 1024;
        using var strict = new DrivenServer(
            new InlineHandler(Handlers.Basic),
            options => options with { Limits = new() { OutboxBytes = Bound, MaximumPacketBytes = Bound } },
            ConnectionBytes);
        var peer = strict.Connect();
        var pings = Enumerable.Repeat((byte[])[0xC0, 0], 4000).SelectMany(ping => ping).ToArray();
        var most = 0L;

        var sent = 0;
        for (; sent < 1000 && strict.Server.Connections.Any(); sent++)
        {
            Ignore(() => peer.SendBytes(pings));
            strict.Run();
            most = Math.Max(most, HeldBytes);
        }

        sent.Should().BeLessThan(100);
        most.Should().BeLessThan(16 * Bound);
        HeldBytes.Should().Be(0);
    }

    [Fact]
    public void A_client_that_never_reads_is_cut_when_it_took_nothing_for_thirty_seconds()
    {
        var victims = new List<MqttConnection>();
        using var sending = new DrivenServer(
            new InlineHandler((connection, packet) =>
            {
                victims.Add(connection);
                return Handlers.Basic(connection, packet);
            }),
            connectionBytes: ConnectionBytes);
        var peer = sending.Connect();
        victims[0].Send(new PublishPacket { Topic = "t", Payload = new byte[100_000] });

        sending.Advance(29.9);
        sending.Server.Connections.Should().ContainSingle();
        sending.Advance(15);

        sending.Server.Connections.Should().BeEmpty();
        Ignore(() => peer.Expect<PublishPacket>());
        peer.Failure.Should().NotBeNull();
    }

    [Fact]
    public void A_client_that_reads_slowly_but_reads_is_not_cut()
    {
        var victims = new List<MqttConnection>();
        using var sending = new DrivenServer(
            new InlineHandler((connection, packet) =>
            {
                victims.Add(connection);
                return Handlers.Basic(connection, packet);
            }),
            connectionBytes: 1000);
        var channel = sending.DialChannel();
        var connect = new byte[] { 0x10, 14, 0, 4, (byte)'M', (byte)'Q', (byte)'T', (byte)'T', 5, 2, 0, 0, 0, 0, 1, (byte)'a' };
        DrivenServer.Quietly(() => channel.WriteAsync(connect).AsTask()).IsCompletedSuccessfully.Should().BeTrue();
        sending.Run();
        victims[0].Send(new PublishPacket { Topic = "t", Payload = new byte[20_000] });

        var buffer = new byte[200];
        for (var i = 0; i < 90; i++)
        {
            var reading = DrivenServer.Quietly(() => channel.ReadAsync(buffer).AsTask());
            sending.Advance(20);
            reading.IsCompletedSuccessfully.Should().BeTrue();
        }

        sending.Server.Connections.Should().ContainSingle();
    }

    [Fact]
    public void Thousands_of_connections_that_send_a_bit_cost_a_small_buffer_each_and_end_in_time()
    {
        const int Count = 3000;
        var peers = new List<MqttChannel>();
        var bytes = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Count; i++)
        {
            var channel = server.DialChannel();
            DrivenServer.Quietly(() => channel.WriteAsync(new byte[] { 0x10, 0x80, 0x80, 0x02, 0, 4, (byte)'M' }).AsTask()).IsCompletedSuccessfully.Should().BeTrue();
            peers.Add(channel);
        }

        server.Run();
        HeldBytes.Should().BeLessThanOrEqualTo(Count * 64);
        server.Server.Connections.Should().HaveCount(Count + 1);
        ((GC.GetTotalMemory(forceFullCollection: true) - bytes) / Count).Should().BeLessThan(8 * 1024, "both ends of a connection in memory");

        server.Advance(10.2);

        server.Server.Connections.Should().ContainSingle();
        HeldBytes.Should().Be(0);
        GC.KeepAlive(peers);
    }

    [Fact]
    public void All_bytes_of_those_that_are_not_accepted_yet_have_one_budget()
    {
        using var strict = new DrivenServer(
            new InlineHandler(Handlers.Basic),
            options => options with { UnauthenticatedBytes = 300 * 1024 },
            connectionBytes: 256 * 1024);
        byte[] part = [0x10, 0x80, 0x80, 0x20, .. new byte[100_000]];
        var first = strict.Dial();
        var second = strict.Dial();
        var third = strict.Dial();
        foreach (var peer in (ScriptedPeer[])[first, second])
            peer.SendBytes(part);
        strict.Run();
        strict.Server.Connections.Should().HaveCount(3);

        third.SendBytes(part);

        third.ExpectEnd();
        strict.Server.Connections.Should().HaveCount(2);

        first.Abort();
        strict.Run();
        var fourth = strict.Dial();
        fourth.SendBytes(part);
        strict.Run();
        strict.Server.Connections.Should().HaveCount(2);
        strict.Connect("who is accepted counts no more");
    }

    [Fact]
    public void Who_is_accepted_counts_no_more_against_the_budget()
    {
        using var strict = new DrivenServer(
            new InlineHandler(Handlers.Basic),
            options => options with { UnauthenticatedBytes = 300 * 1024 },
            connectionBytes: 256 * 1024);
        for (var i = 0; i < 10; i++)
        {
            var peer = strict.Connect($"{i}");
            peer.SendBytes([0x30, 0x80, 0x80, 0x40, .. new byte[100_000]]);
            strict.Run();
        }

        strict.Server.Connections.Should().HaveCount(10);
    }

    [Fact]
    public void Over_the_byte_budget_of_the_process_new_connections_are_closed_as_they_come()
    {
        using var full = new DrivenServer(new InlineHandler(Handlers.Basic), options => options with { MemoryBytes = BufferPool.RentedBytes + 50_000 }, ConnectionBytes);
        var held = BufferPool.Rent(100_000);
        full.Dial().ExpectEnd();

        BufferPool.Return(held);

        full.Connect("there is room again");
    }

    private static void Ignore(Action action)
    {
        try
        {
            action();
        }
        catch (ScriptFailedException)
        {
            // The connection may be closed already: that is what is tested.
        }
    }
}
