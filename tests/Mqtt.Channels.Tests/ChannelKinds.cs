using System.IO.Pipelines;
using System.Net.Security;
using Mqtt.Protocol.Channels;
using Mqtt.Testing;

namespace Mqtt.Channels.Tests;

public sealed class MemoryChannel_on_the_thread_pool : ChannelSpecification
{
    protected override ValueTask<ChannelPair> CreateAsync()
    {
        var (first, second) = MemoryChannel.CreatePair();
        return new(new ChannelPair(first, second));
    }
}

public sealed class MemoryChannel_of_few_bytes_inline : ChannelSpecification
{
    protected override ValueTask<ChannelPair> CreateAsync()
    {
        var (first, second) = MemoryChannel.CreatePair(PipeScheduler.Inline, capacityBytes: 1009);
        return new(new ChannelPair(first, second));
    }
}

public sealed class MemoryChannel_driven_by_a_pump : ChannelSpecification
{
    private readonly TurnPump pump = new();

    protected override ValueTask<ChannelPair> CreateAsync()
    {
        var (first, second) = MemoryChannel.CreatePair(pump);
        return new(new ChannelPair(first, second));
    }

    protected override async Task DriveAsync(Func<Task> body)
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        Task running;
        try
        {
            running = body();
            while (!running.IsCompleted)
                pump.Run().Should().BePositive("all is quiet, and the test waits for something");
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }

        await running;
    }
}

public sealed class StreamChannel_over_tcp : ChannelSpecification
{
    protected override async ValueTask<ChannelPair> CreateAsync()
    {
        var (first, second) = await Loopback.ConnectAsync();
        return new ChannelPair(Loopback.Stream(first), Loopback.Stream(second));
    }
}

public sealed class StreamChannel_over_ChannelStream : ChannelSpecification
{
    protected override ValueTask<ChannelPair> CreateAsync()
    {
        var (first, second) = MemoryChannel.CreatePair();
        return new(new ChannelPair(Over(first), Over(second)));
    }

    private static StreamChannel Over(MqttChannel channel) => new(new ChannelStream(channel), channel.CompleteWriting);
}

public sealed class StreamChannel_over_tls_over_ChannelStream : ChannelSpecification
{
    protected override async ValueTask<ChannelPair> CreateAsync()
    {
        var (first, second) = MemoryChannel.CreatePair();
        var client = new SslStream(new ChannelStream(first), leaveInnerStreamOpen: false, TestCertificate.Trust(TestCertificate.ForLocalhost));
        var server = new SslStream(new ChannelStream(second));
        var authenticating = server.AuthenticateAsServerAsync(TestCertificate.ForLocalhost);
        await client.AuthenticateAsClientAsync("localhost");
        await authenticating;
        return new ChannelPair(Over(client, first), Over(server, second));
    }

    private static StreamChannel Over(SslStream tls, MqttChannel below) => new(tls, () =>
    {
        tls.ShutdownAsync().GetAwaiter().GetResult();
        below.CompleteWriting();
    });
}

public sealed class DuplexPipeChannel_over_pipes : ChannelSpecification
{
    protected override ValueTask<ChannelPair> CreateAsync()
    {
        var (there, back) = (new Pipe(), new Pipe());
        return new(new ChannelPair(new DuplexPipeChannel(new Ends(back.Reader, there.Writer)), new DuplexPipeChannel(new Ends(there.Reader, back.Writer))));
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

public sealed class DuplexPipeChannel_over_ChannelDuplexPipe : ChannelSpecification
{
    protected override ValueTask<ChannelPair> CreateAsync()
    {
        var (first, second) = MemoryChannel.CreatePair();
        return new(new ChannelPair(new DuplexPipeChannel(new ChannelDuplexPipe(first)), new DuplexPipeChannel(new ChannelDuplexPipe(second))));
    }
}

public sealed class FaultChannel_without_faults : ChannelSpecification
{
    protected override ValueTask<ChannelPair> CreateAsync()
    {
        var (first, second) = MemoryChannel.CreatePair();
        return new(new ChannelPair(new FaultChannel(first), new FaultChannel(second)));
    }
}

public sealed class FaultChannel_that_tears_everything_apart : ChannelSpecification
{
    protected override ValueTask<ChannelPair> CreateAsync()
    {
        var (first, second) = MemoryChannel.CreatePair();
        return new(new ChannelPair(Torn(first, seed: 1), Torn(second, seed: 2)));
    }

    private static FaultChannel Torn(MqttChannel channel, int seed)
    {
        var torn = new FaultChannel(channel);
        torn.Reading.SplitRandomly(new SeededRandom(seed), 5000);
        torn.Writing.SplitRandomly(new SeededRandom(-seed), 5000);
        return torn;
    }
}
