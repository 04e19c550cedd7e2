using System.Collections.Concurrent;

namespace Mqtt.Server.Tests;

/// <summary>The contract between server and handler, over every transport.</summary>
public abstract class HandlerTests(Transport transport)
{
    public sealed class InMemory() : HandlerTests(Transport.Memory);

    public sealed class OverSockets() : HandlerTests(Transport.Sockets);

    public sealed class OverAnEventLoop() : HandlerTests(Transport.EventLoop);

    // --- Order

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Packets_of_a_connection_come_in_order_and_never_two_at_once(bool inline)
    {
        const int Count = 2000;
        var seen = new List<int>();
        var inside = 0;
        var overlaps = 0;
        var done = new TaskCompletionSource();
        async ValueTask OnPacket(MqttConnection connection, MqttPacket packet)
        {
            if (Interlocked.Increment(ref inside) != 1)
                overlaps++;
            if (packet is PublishPacket publish)
            {
                var number = BitConverter.ToInt32(publish.Payload.Span);
                if (number % 7 == 0)
                    await Task.Yield();
                if (number % 100 == 0)
                    await Task.Run(static () => { });
                BitConverter.ToInt32(publish.Payload.Span).Should().Be(number, "the packet is borrowed until the handler completes");
                seen.Add(number);
            }

            Handlers.AnswerBasics(connection, packet);
            Interlocked.Decrement(ref inside);
            if (seen.Count == Count)
                done.TrySetResult();
        }

        await using var server = await RunningServer.StartAsync(transport, inline ? new InlineHandler(OnPacket) : new MqttDelegateHandler(OnPacket));
        var client = await server.ConnectAsync();

        for (var i = 0; i < Count; i++)
            await client.SendAsync(new PublishPacket { Topic = "t", Payload = BitConverter.GetBytes(i) });
        await done.Task;

        seen.Should().Equal(Enumerable.Range(0, Count));
        overlaps.Should().Be(0);
    }

    [Fact]
    public async Task The_end_of_a_connection_is_told_once_and_after_its_last_packet()
    {
        var events = new ConcurrentQueue<string>();
        var release = new TaskCompletionSource();
        var closed = new TaskCompletionSource();
        var handler = new MqttDelegateHandler(
            async (connection, packet) =>
            {
                if (packet is PublishPacket)
                    await release.Task;
                events.Enqueue(packet.Type.ToString());
                Handlers.AnswerBasics(connection, packet);
            },
            (_, cause) =>
            {
                events.Enqueue(cause.Kind.ToString());
                closed.SetResult();
                return default;
            });
        await using var server = await RunningServer.StartAsync(transport, handler);
        var client = await server.ConnectAsync();
        await client.SendAsync(new PublishPacket { Topic = "t" });
        await client.SendAsync(new PublishPacket { Topic = "t" });

        client.CompleteWriting();
        release.SetResult();
        await closed.Task;

        events.Should().Equal("Connect", "Publish", "Publish", "Network");
    }

    [Fact]
    public async Task A_connection_that_brought_no_packet_is_not_heard_of()
    {
        var heard = 0;
        await using (var server = await RunningServer.StartAsync(transport, new MqttDelegateHandler(
            (_, _) => Count(ref heard),
            (_, _) => Count(ref heard))))
        {
            await (await server.DialAsync()).DisposeAsync();
            var garbage = await server.DialAsync();
            await garbage.SendBytesAsync(new byte[] { 0x30, 0 });
            await garbage.ExpectEndAsync();
        }

        heard.Should().Be(0);
    }

    // --- Errors

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_handler_that_throws_ends_its_own_connection_with_0x83_and_nothing_else(bool inline, bool atOnce)
    {
        var causes = new ConcurrentQueue<MqttCloseCause>();
        var closed = new SemaphoreSlim(0);
        async ValueTask Fail()
        {
            await Task.Yield();
            throw new InvalidOperationException("handler");
        }

        ValueTask OnPacket(MqttConnection connection, MqttPacket packet)
        {
            if (packet is PublishPacket)
                return atOnce ? throw new InvalidOperationException("handler") : Fail();
            return Handlers.Basic(connection, packet);
        }

        ValueTask OnClosed(MqttConnection connection, MqttCloseCause cause)
        {
            causes.Enqueue(cause);
            closed.Release();
            return default;
        }

        await using var server = await RunningServer.StartAsync(transport, inline ? new InlineHandler(OnPacket, OnClosed) : new MqttDelegateHandler(OnPacket, OnClosed));
        var other = await server.ConnectAsync();
        var client = await server.ConnectAsync();

        await client.SendAsync(new PublishPacket { Topic = "t" });

        (await client.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ImplementationSpecificError);
        await client.ExpectEndAsync();
        await closed.WaitAsync();
        var cause = causes.Should().ContainSingle().Subject;
        cause.Kind.Should().Be(MqttCloseKind.HandlerFailed);
        cause.Exception!.Message.Should().Be("handler");
        await other.ExpectNothingBeforePingAsync();
        await server.ConnectAsync();
        server.Log.Errors.Should().ContainSingle().Which.Should().Contain("handler");
        server.Log.Clear();
    }

    [Theory]
    [InlineData(MqttProtocolVersion.V500)]
    [InlineData(MqttProtocolVersion.V311)]
    public async Task A_handler_that_throws_at_CONNECT_refuses_it(MqttProtocolVersion version)
    {
        await using var server = await RunningServer.StartAsync(transport, static (_, _) => throw new InvalidOperationException("handler"));
        var client = await server.DialAsync(version);

        await client.SendAsync(new ConnectPacket { Version = version, ClientId = "client" });

        if (version == MqttProtocolVersion.V500)
            (await client.ExpectAsync<ConnAckPacket>()).ReasonCode.Should().Be(ReasonCode.ImplementationSpecificError);
        await client.ExpectEndAsync();
        server.Log.Clear();
    }

    [Fact]
    public async Task A_handler_may_end_a_connection_with_a_code_of_its_own()
    {
        await using var server = await RunningServer.StartAsync(transport, static (connection, packet) =>
            packet is PublishPacket ? throw new MqttProtocolException(ReasonCode.QuotaExceeded, "Enough.") : Handlers.Basic(connection, packet));
        var client = await server.ConnectAsync();

        await client.SendAsync(new PublishPacket { Topic = "t" });

        var goodbye = await client.ExpectAsync<DisconnectPacket>();
        goodbye.ReasonCode.Should().Be(ReasonCode.QuotaExceeded);
        goodbye.ReasonString!.Value.ToString().Should().Be("Enough.");
        await client.ExpectEndAsync();
    }

    [Theory]
    [InlineData(MqttPacketType.Connect, ReasonCode.TopicAliasInvalid)]
    [InlineData(MqttPacketType.Publish, ReasonCode.BadUserNameOrPassword)]
    public async Task A_code_for_which_the_last_packet_has_no_word_is_a_protocol_error_to_the_peer(MqttPacketType at, ReasonCode code)
    {
        ValueTask OnPacket(MqttConnection connection, MqttPacket packet) =>
            packet.Type == at ? throw new MqttProtocolException(code, "No.") : Handlers.Basic(connection, packet);

        await using var server = await RunningServer.StartAsync(transport, new MqttDelegateHandler(OnPacket));
        if (at == MqttPacketType.Connect)
        {
            await using var refused = await server.DialAsync();
            (await refused.ConnectAsync()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
            await refused.ExpectEndAsync();
            return;
        }

        await using var client = await server.ConnectAsync();
        await client.SendAsync(new PublishPacket { Topic = "t" });
        (await client.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ProtocolError);
        await client.ExpectEndAsync();
    }

    [Fact]
    public async Task A_handler_that_throws_at_the_end_of_a_connection_harms_nobody()
    {
        var told = new SemaphoreSlim(0);
        await using var server = await RunningServer.StartAsync(transport, new MqttDelegateHandler(Handlers.Basic, (_, _) =>
        {
            told.Release();
            throw new InvalidOperationException("at the end");
        }));
        var other = await server.ConnectAsync();

        await (await server.ConnectAsync()).DisposeAsync();
        await told.WaitAsync();

        await other.ExpectNothingBeforePingAsync();
        await other.DisposeAsync();
        await told.WaitAsync();
        await server.Server.StopAsync();
        server.Log.Errors.Should().HaveCount(2).And.OnlyContain(error => error.Contains("at the end"));
        server.Log.Clear();
    }

    // --- Waiting and blocking

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_awaits_stops_only_its_own_connection_and_its_bytes_stay_intact_meanwhile(bool inline)
    {
        var release = new TaskCompletionSource();
        var waiting = new TaskCompletionSource();
        var intact = new TaskCompletionSource<bool>();
        async ValueTask Wait(PublishPacket publish)
        {
            var (topic, payload) = (publish.Topic, publish.Payload);
            waiting.SetResult();
            await release.Task;
            intact.SetResult(topic.ToString() == "slow" && payload.Span.IndexOfAnyExcept((byte)1) < 0 && payload.Length == 20_000);
        }

        ValueTask OnPacket(MqttConnection connection, MqttPacket packet)
        {
            if (packet is PublishPacket { Topic: var topic } publish && topic == "slow")
                return Wait(publish);
            Handlers.AnswerBasics(connection, packet);
            return default;
        }

        await using var server = await RunningServer.StartAsync(transport, inline ? new InlineHandler(OnPacket) : new MqttDelegateHandler(OnPacket));
        var slow = await server.ConnectAsync();
        var other = await server.ConnectAsync();
        await slow.SendAsync(new PublishPacket { Topic = "slow", Payload = Enumerable.Repeat((byte)1, 20_000).ToArray() });
        await slow.SendAsync(new PingReqPacket());
        await waiting.Task;

        for (var i = 0; i < 200; i++)
        {
            await other.SendAsync(new PublishPacket { Topic = "fast", Payload = Enumerable.Repeat((byte)2, 20_000).ToArray() });
            if (i % 20 == 0)
                await other.ExpectNothingBeforePingAsync();
        }

        intact.Task.IsCompleted.Should().BeFalse();
        slow.Transcript.Should().NotContain(line => line.Contains("PINGRESP"));
        release.SetResult();

        (await intact.Task).Should().BeTrue();
        await slow.ExpectAsync<PingRespPacket>();
    }

    [Fact]
    public async Task A_blocking_handler_does_not_stall_other_connections()
    {
        using var release = new ManualResetEventSlim();
        var blocked = new SemaphoreSlim(0);
        await using var server = await RunningServer.StartAsync(transport, (connection, packet) =>
        {
            if (packet is PublishPacket)
            {
                blocked.Release();
                release.Wait();
            }

            return Handlers.Basic(connection, packet);
        });
        var stuck = await server.ConnectAsync();
        var other = await server.ConnectAsync();
        await stuck.SendAsync(new PublishPacket { Topic = "t" });
        await blocked.WaitAsync();

        for (var i = 0; i < 50; i++)
            await other.ExpectNothingBeforePingAsync();
        await server.ConnectAsync();

        release.Set();
        await stuck.ExpectNothingBeforePingAsync();
    }

    [Fact]
    public async Task What_a_handler_sends_to_another_connection_before_it_blocks_does_not_hold_back_what_that_one_is_sent_afterwards()
    {
        using var release = new ManualResetEventSlim();
        var sent = new TaskCompletionSource();
        var connections = new ConcurrentDictionary<string, MqttConnection>();
        await using var server = await RunningServer.StartAsync(transport, (connection, packet) =>
        {
            if (packet is ConnectPacket connect)
                connections[connect.ClientId.ToString()] = connection;
            if (packet is PublishPacket)
            {
                connections["client2"].Send(new PublishPacket { Topic = "forwarded" });
                sent.SetResult();
                release.Wait();
            }

            return Handlers.Basic(connection, packet);
        });
        var blocking = await server.ConnectAsync();
        var other = await server.ConnectAsync();
        await blocking.SendAsync(new PublishPacket { Topic = "t" });
        await sent.Task;

        await other.SendAsync(new PingReqPacket());

        await other.ExpectAsync<PublishPacket>();
        await other.ExpectAsync<PingRespPacket>();
        release.Set();
    }

    [Fact]
    public async Task User_code_runs_on_the_thread_pool_and_an_inline_handler_where_the_connection_lives()
    {
        var onPool = new ConcurrentQueue<bool>();
        ValueTask OnPacket(MqttConnection connection, MqttPacket packet)
        {
            onPool.Enqueue(Thread.CurrentThread.IsThreadPoolThread);
            return Handlers.Basic(connection, packet);
        }

        await using (var server = await RunningServer.StartAsync(transport, OnPacket))
            await (await server.ConnectAsync()).ExpectNothingBeforePingAsync();
        onPool.Should().OnlyContain(isOnPool => isOnPool);

        onPool.Clear();
        await using (var server = await RunningServer.StartAsync(transport, new InlineHandler(OnPacket)))
            await (await server.ConnectAsync()).ExpectNothingBeforePingAsync();
        var hasOwnThreads = transport == Transport.EventLoop && OperatingSystem.IsLinux();
        onPool.Should().OnlyContain(isOnPool => isOnPool != hasOwnThreads);
    }

    [Fact]
    public async Task After_a_handler_that_awaited_user_code_is_on_the_thread_pool_again()
    {
        var release = new TaskCompletionSource();
        var waiting = new TaskCompletionSource();
        var next = new TaskCompletionSource<bool>();
        await using var server = await RunningServer.StartAsync(transport, async (connection, packet) =>
        {
            if (packet is PublishPacket { Topic: var topic } && topic == "waits")
            {
                waiting.SetResult();
                await release.Task;
            }
            else if (packet is PublishPacket)
            {
                next.SetResult(Thread.CurrentThread.IsThreadPoolThread);
            }

            Handlers.AnswerBasics(connection, packet);
        });
        var client = await server.ConnectAsync();
        await client.SendAsync(new PublishPacket { Topic = "waits" });
        await client.SendAsync(new PublishPacket { Topic = "next" });
        await waiting.Task;

        var thread = new Thread(release.SetResult);
        thread.Start();

        (await next.Task).Should().BeTrue();
        thread.Join();
    }

    [Fact]
    public async Task A_handler_that_never_completes_does_not_keep_the_server_from_stopping()
    {
        var waiting = new TaskCompletionSource();
        var forever = new TaskCompletionSource();
        await using var server = await RunningServer.StartAsync(
            transport,
            async (connection, packet) =>
            {
                Handlers.AnswerBasics(connection, packet);
                if (packet is not PublishPacket)
                    return;
                waiting.SetResult();
                await forever.Task;
            },
            options => options with { StopTimeout = TimeSpan.FromMilliseconds(50) });
        var client = await server.ConnectAsync();
        await client.SendAsync(new PublishPacket { Topic = "t" });
        await waiting.Task;

        await server.Server.StopAsync();

        server.Log.Errors.Should().ContainSingle().Which.Should().Contain("1 connections");
        server.Log.Clear();
        forever.SetResult();
        while (server.Server.Connections.Any())
            await Task.Yield();
    }

    // --- Sending

    [Fact]
    public async Task What_other_threads_send_is_flushed_without_any_packet_coming_in()
    {
        var connected = new TaskCompletionSource<MqttConnection>();
        await using var server = await RunningServer.StartAsync(transport, new InlineHandler((connection, packet) =>
        {
            Handlers.AnswerBasics(connection, packet);
            connected.TrySetResult(connection);
            return default;
        }));
        var client = await server.ConnectAsync();
        var connection = await connected.Task;

        connection.Send(new PublishPacket { Topic = "from the test" });
        (await client.ExpectAsync<PublishPacket>()).Topic.ToString().Should().Be("from the test");

        await Task.Run(() => connection.Send(new PublishPacket { Topic = "from the pool" }));
        (await client.ExpectAsync<PublishPacket>()).Topic.ToString().Should().Be("from the pool");
    }

    [Fact]
    public async Task Many_threads_may_send_at_once_and_each_keeps_its_order()
    {
        const int Threads = 8;
        const int Each = 500;
        var connected = new TaskCompletionSource<MqttConnection>();
        await using var server = await RunningServer.StartAsync(transport, (connection, packet) =>
        {
            Handlers.AnswerBasics(connection, packet);
            connected.TrySetResult(connection);
            return default;
        });
        var client = await server.ConnectAsync();
        var connection = await connected.Task;

        var sending = Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++)
                connection.Send(new PublishPacket { Topic = $"{thread}", Payload = BitConverter.GetBytes(i) });
        })).ToList();

        var next = new int[Threads];
        for (var i = 0; i < Threads * Each; i++)
        {
            var publish = await client.ExpectAsync<PublishPacket>();
            var thread = int.Parse(publish.Topic.ToString());
            BitConverter.ToInt32(publish.Payload.Span).Should().Be(next[thread]++);
        }

        await Task.WhenAll(sending);
    }

    [Fact]
    public async Task A_connection_that_is_closed_takes_nothing_more_and_says_so()
    {
        var connected = new TaskCompletionSource<MqttConnection>();
        await using var server = await RunningServer.StartAsync(transport, (connection, packet) =>
        {
            Handlers.AnswerBasics(connection, packet);
            connection.State ??= "mine";
            connected.TrySetResult(connection);
            return default;
        });
        var client = await server.ConnectAsync();
        var connection = await connected.Task;
        (connection.IsAccepted, connection.State).Should().Be((true, "mine"));

        connection.Close(ReasonCode.AdministrativeAction, "out");
        connection.Close();
        connection.Send(new PublishPacket { Topic = "late" });

        connection.IsAccepted.Should().BeFalse();
        var goodbye = await client.ExpectAsync<DisconnectPacket>();
        (goodbye.ReasonCode, goodbye.ReasonString!.Value.ToString()).Should().Be((ReasonCode.AdministrativeAction, "out"));
        await client.ExpectEndAsync();
        await client.DisposeAsync();
        var ended = new TaskCompletionSource();
        await using (connection.Closed.Register(ended.SetResult))
            await ended.Task;
        connection.Abort();
    }

    [Fact]
    [Spec(V5, "3.14.4-1")]
    public async Task Nothing_follows_the_DISCONNECT_whoever_sends_and_closes_at_once()
    {
        var connections = new ConcurrentQueue<MqttConnection>();
        await using var server = await RunningServer.StartAsync(transport, (connection, packet) =>
        {
            if (packet is ConnectPacket)
                connections.Enqueue(connection);
            return Handlers.Basic(connection, packet);
        });

        for (var round = 0; round < 100; round++)
        {
            var client = await server.ConnectAsync();
            connections.TryDequeue(out var connection).Should().BeTrue();
            using var go = new Barrier(4);
            var closing = Enumerable.Range(0, 2).Select(_ => new Action(() => connection!.Close(ReasonCode.AdministrativeAction)));
            var sending = Enumerable.Range(0, 2).Select(_ => new Action(() =>
            {
                for (var i = 0; i < 20; i++)
                    connection!.Outbox.AppendPacket(new PublishPacket { Topic = "t" });
            }));
            await Task.WhenAll(closing.Concat(sending).Select(action => Task.Factory.StartNew(
                () =>
                {
                    go.SignalAndWait();
                    action();
                },
                TaskCreationOptions.LongRunning)));

            while (await client.ExpectAsync<MqttPacket>() is not DisconnectPacket)
            {
            }

            await client.ExpectEndAsync();
            await client.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_DISCONNECT_and_a_CONNACK_that_refuses_are_the_last_packets()
    {
        await using var server = await RunningServer.StartAsync(transport, static (connection, packet) =>
        {
            if (packet is ConnectPacket { ClientId: var clientId } && clientId == "unwanted")
                connection.Send(new ConnAckPacket { ReasonCode = ReasonCode.Banned });
            else if (packet is PublishPacket)
                connection.Send(new DisconnectPacket { ReasonCode = ReasonCode.ServerMoved });
            else
                Handlers.AnswerBasics(connection, packet);
            if (packet is not PingReqPacket)
                connection.Send(new PingRespPacket());
            return default;
        });

        var refused = await server.DialAsync();
        (await refused.ConnectAsync(new ConnectPacket { ClientId = "unwanted" })).ReasonCode.Should().Be(ReasonCode.Banned);
        await refused.ExpectEndAsync();

        var client = await server.ConnectAsync();
        await client.ExpectAsync<PingRespPacket>();
        await client.SendAsync(new PublishPacket { Topic = "t" });
        (await client.ExpectAsync<DisconnectPacket>()).ReasonCode.Should().Be(ReasonCode.ServerMoved);
        await client.ExpectEndAsync();
    }

    private static ValueTask Count(ref int counter)
    {
        Interlocked.Increment(ref counter);
        return default;
    }
}
