namespace Mqtt.Server.Tests;

/// <summary>What is sent within one round leaves in one write, and time does not run for a connection that waits for its handler.</summary>
public sealed class TurnTests
{
    [Fact]
    public void What_an_inline_handler_sends_for_all_packets_of_a_read_leaves_in_one_write()
    {
        using var server = new DrivenServer(new InlineHandler((connection, packet) =>
        {
            if (packet is PublishPacket)
            {
                connection.Send(new PublishPacket { Topic = "one" });
                connection.Send(new PublishPacket { Topic = "two" });
            }

            return Handlers.Basic(connection, packet);
        }));
        var client = server.Connect();
        var before = server.WriteCount;

        for (var i = 0; i < 50; i++)
            client.Send(new PublishPacket { Topic = "t" });
        server.Run();

        server.WriteCount.Should().Be(before + 1);
        for (var i = 0; i < 100; i++)
            client.Expect<PublishPacket>();
    }

    [Fact]
    public void What_is_sent_to_several_connections_is_one_write_for_each()
    {
        var all = new List<MqttConnection>();
        using var server = new DrivenServer(new InlineHandler((connection, packet) =>
        {
            if (packet is ConnectPacket)
                all.Add(connection);
            if (packet is PublishPacket publish)
                all.ForEach(other => other.Send(new PublishPacket { Topic = publish.Topic }));
            return Handlers.Basic(connection, packet);
        }));
        var clients = Enumerable.Range(0, 10).Select(i => server.Connect($"{i}")).ToList();
        var before = server.WriteCount;

        for (var i = 0; i < 20; i++)
            clients[0].Send(new PublishPacket { Topic = $"{i}" });
        server.Run();

        server.WriteCount.Should().Be(before + 10);
        foreach (var client in clients)
        {
            for (var i = 0; i < 20; i++)
                client.Expect<PublishPacket>().Topic.ToString().Should().Be($"{i}");
        }
    }

    [Fact]
    public void A_turn_around_several_sends_makes_one_write_of_them()
    {
        MqttConnection connection = null!;
        using var server = new DrivenServer(new InlineHandler((from, packet) =>
        {
            connection = from;
            return Handlers.Basic(from, packet);
        }));
        var client = server.Connect();
        var before = server.WriteCount;

        using (Turn.Enter(out _))
        {
            connection.Send(new PublishPacket { Topic = "one" });
            connection.Send(new PublishPacket { Topic = "two" });
            server.WriteCount.Should().Be(before);
        }

        server.WriteCount.Should().Be(before + 1);
        client.Expect<PublishPacket>();
        client.Expect<PublishPacket>();
    }

    [Fact]
    public void A_handler_that_awaits_for_a_second_stops_only_its_own_connection()
    {
        DrivenServer driven = null!;
        using var server = driven = new DrivenServer(new InlineHandler(async (connection, packet) =>
        {
            if (packet is PublishPacket)
                await Task.Delay(TimeSpan.FromSeconds(1), driven.Time).ConfigureAwait(false);
            Handlers.AnswerBasics(connection, packet);
        }));
        var slow = server.Connect("slow");
        var other = server.Connect("other");
        slow.Send(new PublishPacket { Topic = "t" });
        slow.Send(new PingReqPacket());

        server.Advance(0.9);
        slow.ExpectNothing();
        other.Send(new PingReqPacket());
        other.Expect<PingRespPacket>();
        server.Advance(0.2);

        slow.Expect<PingRespPacket>();
    }

    [Fact]
    public void A_client_that_sends_thousands_of_packets_at_once_does_not_keep_others_waiting_for_all_of_them()
    {
        var order = new List<string>();
        using var server = new DrivenServer(new InlineHandler((connection, packet) =>
        {
            if (packet is PingReqPacket)
                order.Add((string)connection.State!);
            else if (packet is ConnectPacket connect)
                connection.State = connect.ClientId.ToString();
            return Handlers.Basic(connection, packet);
        }));
        var flood = server.Connect("flood");
        var other = server.Connect("other");
        flood.SendBytes([.. Enumerable.Range(0, 5000).SelectMany(_ => new byte[] { 0xC0, 0 })]);
        other.SendBytes(0xC0, 0);
        server.Run();

        order.Should().HaveCount(5001);
        order.IndexOf("other").Should().BeLessThan(2000);
    }

    [Fact]
    public void While_the_handler_keeps_the_connection_waiting_bytes_that_come_keep_it_alive_though_nobody_reads_them()
    {
        var release = new TaskCompletionSource();
        using var server = new DrivenServer(new InlineHandler(async (connection, packet) =>
        {
            if (packet is PublishPacket)
                await release.Task.ConfigureAwait(false);
            Handlers.AnswerBasics(connection, packet);
        }));
        var client = server.Connect(keepAlive: 10);
        client.Send(new PublishPacket { Topic = "t" });
        for (var i = 0; i < 10; i++)
        {
            client.Send(new PingReqPacket());
            server.Advance(10);
        }

        client.ExpectNothing();
        DrivenServer.Quietly(() => release.TrySetResult());
        server.Advance(14);
        for (var i = 0; i < 10; i++)
            client.Expect<PingRespPacket>();

        client.ExpectNothing();
        server.Advance(2);
        client.Expect<DisconnectPacket>().ReasonCode.Should().Be(ReasonCode.KeepAliveTimeout);
    }

    [Fact]
    public void A_silent_client_is_closed_while_the_handler_keeps_it_waiting_and_the_handler_hears_of_it_when_it_is_done()
    {
        var release = new TaskCompletionSource();
        var causes = new List<MqttCloseCause>();
        using var server = new DrivenServer(new InlineHandler(
            async (connection, packet) =>
            {
                if (packet is PublishPacket)
                    await release.Task.ConfigureAwait(false);
                Handlers.AnswerBasics(connection, packet);
            },
            (_, cause) =>
            {
                causes.Add(cause);
                return default;
            }));
        var client = server.Connect(keepAlive: 10);
        client.Send(new PublishPacket { Topic = "t" });

        server.Advance(15.5);

        client.Expect<DisconnectPacket>().ReasonCode.Should().Be(ReasonCode.KeepAliveTimeout);
        causes.Should().BeEmpty();
        server.Pump.Schedule(static release => ((TaskCompletionSource)release!).SetResult(), release);
        server.Run();
        causes.Should().ContainSingle().Which.Kind.Should().Be(MqttCloseKind.Timeout);
    }

    [Fact]
    public void The_handler_hears_of_a_silent_client_at_once_though_that_does_not_close()
    {
        var causes = new List<MqttCloseCause>();
        using var server = new DrivenServer(
            new InlineHandler(Handlers.Basic, (_, cause) =>
            {
                causes.Add(cause);
                return default;
            }),
            options => options with { Limits = options.Limits with { LingerTimeout = TimeSpan.FromSeconds(100) } });
        var client = server.Connect(keepAlive: 10);

        server.Advance(15.3);
        causes.Should().ContainSingle().Which.ReasonCode.Should().Be(ReasonCode.KeepAliveTimeout);
        client.Expect<DisconnectPacket>();
        server.Advance(200);

        causes.Should().ContainSingle("it is told once");
    }

    [Fact]
    public void After_its_goodbye_the_server_may_leave_the_end_of_the_connection_to_the_client()
    {
        using var server = new DrivenServer(new InlineHandler(Handlers.Basic), options => options with { PassiveDisconnect = true });
        var client = server.Connect();
        var connection = server.Server.Connections.Single();

        connection.Close(ReasonCode.AdministrativeAction);
        connection.Outbox.AppendPacket(new PublishPacket { Topic = "late" });
        server.Run();
        client.Expect<DisconnectPacket>().ReasonCode.Should().Be(ReasonCode.AdministrativeAction);
        client.ExpectNothing();
        client.CompleteWriting();
        server.Run();

        client.ExpectEnd();
        server.Server.Connections.Should().BeEmpty();
    }

    [Fact]
    public void It_waits_for_that_no_longer_than_for_any_other_and_where_no_goodbye_is_sent_not_at_all()
    {
        using var server = new DrivenServer(new InlineHandler(Handlers.Basic), options => options with { PassiveDisconnect = true });
        var client = server.Connect();
        var older = server.Connect("older", MqttProtocolVersion.V311);
        foreach (var connection in server.Server.Connections)
            connection.Close(ReasonCode.AdministrativeAction);
        server.Run();

        older.ExpectEnd();
        client.Expect<DisconnectPacket>();
        server.Advance(1.8);
        client.ExpectNothing();
        server.Advance(0.4);

        client.ExpectEnd();
    }

    [Fact]
    public void A_handler_may_change_the_keep_alive()
    {
        using var server = new DrivenServer(new InlineHandler((connection, packet) =>
        {
            Handlers.AnswerBasics(connection, packet);
            connection.KeepAlive = TimeSpan.FromSeconds(4);
            return default;
        }));
        var client = server.Connect(keepAlive: 1000);

        server.Advance(6);
        client.ExpectNothing();
        server.Advance(0.5);

        client.Expect<DisconnectPacket>().ReasonCode.Should().Be(ReasonCode.KeepAliveTimeout);
    }
}
