using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mqtt.Protocol.Channels;
using Mqtt.Server.EventLoops;

namespace Mqtt.Channels.Tests;

/// <summary>What connections, listeners and loops take of the process, and that they give it back.</summary>
[Collection(Alone.Name)]
public sealed class DescriptorTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Thousands_of_connections_that_were_opened_used_and_closed_leave_nothing_behind(int loopCount)
    {
        await using var network = new Network(loopCount);
        await UseAndClose(network, 10);
        var before = DescriptorCount();

        var references = new List<WeakReference>();
        for (var i = 0; i < 10; i++)
            references.AddRange(await UseAndClose(network, 300));

        DescriptorCount().Should().BeLessThan(before + 20, "the runtime may have opened some of its own, but not hundreds");
        for (var i = 0; i < 10 && references.Exists(reference => reference.IsAlive); i++)
        {
            await network.SettleAsync();
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        references.Count(reference => reference.IsAlive).Should().BeLessThan(5, "no handle holds a closed connection");
    }

    [Fact]
    public async Task Loops_that_started_and_ended_leave_no_thread_and_no_descriptor()
    {
        await StartAndEnd();
        var before = DescriptorCount();
        for (var i = 0; i < 100; i++)
            await StartAndEnd();

        DescriptorCount().Should().BeLessThan(before + 20, "the runtime may have opened some of its own, but not hundreds");
        LoopThreads().Should().BeEmpty();

        static async Task StartAndEnd()
        {
            var network = new Network(loopCount: 2);
            await UseAndClose(network, 2);
            await network.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_listener_that_finds_no_free_descriptor_says_so_and_accepts_again_when_there_is_one()
    {
        await using var network = new Network(loopCount: 1);
        await UseAndClose(network, 1);
        var accepting = network.Listener.AcceptAsync().AsTask();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Exception? failure;
        using (new DescriptorLimit(0))
        {
            client.Connect(network.Listener.EndPoint);
            failure = await Record.ExceptionAsync(() => accepting.WaitAsync(Patience));
        }

        failure.Should().BeOfType<IOException>().Which.Message.Should().StartWith("accept failed");
        var server = await network.Listener.AcceptAsync().AsTask().WaitAsync(Patience);
        await server!.WriteAsync(new byte[1]);
        client.Receive(new byte[10]).Should().Be(1);
        await server.DisposeAsync();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Loops_that_cannot_all_be_made_leave_no_thread_and_no_descriptor(int descriptorsLeft)
    {
        // Whatever the runtime has to load, it must load before.
        var errors = new ErrorLog();
        new EventLoopGroup(1, errors).Dispose();
        Record.Exception((Action)(() => throw new IOException())).Should().BeOfType<IOException>();
        var before = DescriptorCount();
        Exception? failure;
        using (new DescriptorLimit(descriptorsLeft))
            failure = Record.Exception(() => new EventLoopGroup(4, errors));

        failure.Should().BeOfType<IOException>();
        DescriptorCount().Should().BeLessThanOrEqualTo(before);
        LoopThreads().Should().BeEmpty();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static async Task<IEnumerable<WeakReference>> UseAndClose(Network network, int count)
    {
        var clients = new List<Socket>();
        var channels = new List<MqttChannel>();
        for (var i = 0; i < count; i++)
        {
            var (client, server) = await network.ConnectAsync();
            clients.Add(client);
            channels.Add(server);
        }

        await Task.WhenAll(clients.Zip(channels, Use)).WaitAsync(Patience);
        for (var i = 0; i < count; i++)
        {
            // Some end from this side, some from the other, some with a reset.
            if (i % 3 == 0)
                clients[i].Dispose();
            if (i % 3 == 1)
                clients[i].LingerState = new LingerOption(true, 0);
            await channels[i].DisposeAsync();
            clients[i].Dispose();
        }

        await network.SettleAsync();
        return [.. channels.Select(channel => new WeakReference(channel))];
    }

    private static async Task Use(Socket client, MqttChannel server)
    {
        var buffer = new byte[100];
        var reading = server.ReadAsync(buffer).AsTask();
        await client.SendAsync(new byte[50]);
        (await reading).Should().Be(50);
        await server.WriteAsync(buffer);
        (await client.ReceiveAsync(buffer.AsMemory())).Should().BePositive();
        await server.YieldAsync();
    }

    private static int DescriptorCount()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return Directory.GetFiles("/proc/self/fd").Length;
    }

    private static IEnumerable<string> LoopThreads() =>
        Directory.GetDirectories("/proc/self/task").Select(task => File.ReadAllText(Path.Combine(task, "comm"))).Where(name => name.StartsWith("mqtt-loop", StringComparison.Ordinal));

    /// <summary>For a while, the process gets no more than so many further descriptors.</summary>
    private sealed class DescriptorLimit : IDisposable
    {
        private const int OpenFiles = 7;

        private readonly Limit before;

        public DescriptorLimit(int left)
        {
            GetLimit(OpenFiles, ref before).Should().Be(0);
            var firstForbidden = Enumerable.Range(0, 100_000).Where(IsFree).ElementAt(left);
            var now = before with { Soft = (nuint)firstForbidden };
            SetLimit(OpenFiles, ref now).Should().Be(0);
        }

        public void Dispose()
        {
            var limit = before;
            SetLimit(OpenFiles, ref limit).Should().Be(0);
        }

        private static bool IsFree(int descriptor) => new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget is null;

        [DllImport("libc", EntryPoint = "getrlimit")]
        private static extern int GetLimit(int resource, ref Limit limit);

        [DllImport("libc", EntryPoint = "setrlimit")]
        private static extern int SetLimit(int resource, ref Limit limit);

        private record struct Limit(nuint Soft, nuint Hard);
    }
}
