using System.IO.Pipelines;

namespace Mqtt.Server.Tests;

/// <summary>Connections that are made by hand of a channel or a stream.</summary>
public class ServeTests
{
    [Fact]
    public async Task Any_channel_becomes_a_connection_of_the_server()
    {
        await using var server = await RunningServer.StartAsync(Transport.Memory, new InlineHandler(Handlers.Basic));
        var (near, far) = MemoryChannel.CreatePair();

        var connection = server.Server.Serve(far);
        await using var peer = new ScriptedPeer(near) { Patience = TimeSpan.FromSeconds(30) };
        var answer = await peer.ConnectAsync(new ConnectPacket { ClientId = "hand-made" });

        answer.ReasonCode.Should().Be(ReasonCode.Success);
        server.Server.Connections.Should().Contain(connection);
    }

    [Fact]
    public async Task Any_stream_becomes_a_connection_of_the_server()
    {
        await using var server = await RunningServer.StartAsync(Transport.Memory, new InlineHandler(Handlers.Basic));
        var (there, back) = (new Pipe(), new Pipe());

        server.Server.Serve(new DuplexStream(there.Reader.AsStream(), back.Writer.AsStream()));
        await using var peer = new ScriptedPeer(new StreamChannel(new DuplexStream(back.Reader.AsStream(), there.Writer.AsStream()))) { Patience = TimeSpan.FromSeconds(30) };
        var answer = await peer.ConnectAsync(new ConnectPacket { ClientId = "hand-made" });

        answer.ReasonCode.Should().Be(ReasonCode.Success);
    }

    [Fact]
    public async Task A_server_that_stops_serves_no_channel_and_closes_it()
    {
        await using var server = await RunningServer.StartAsync(Transport.Memory, new InlineHandler(Handlers.Basic));
        await server.Server.StopAsync();
        var (near, far) = MemoryChannel.CreatePair();

        var serving = () => server.Server.Serve(far);

        serving.Should().Throw<MqttConnectionException>();
        var reading = async () => await near.ReadAsync(new byte[1]);
        await reading.Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task A_server_that_is_not_started_serves_no_channel()
    {
        await using var server = new MqttServer(new InlineHandler(Handlers.Basic), "mqtt://127.0.0.1:0");
        var (_, far) = MemoryChannel.CreatePair();

        var serving = () => server.Serve(far);

        serving.Should().Throw<InvalidOperationException>();
    }

    private sealed class DuplexStream(Stream input, Stream output) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Flush() => output.Flush();

        public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => input.Read(buffer, offset, count);

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => output.Write(buffer, offset, count);

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await output.WriteAsync(buffer, cancellationToken);
            await output.FlushAsync(cancellationToken);
        }

        protected override void Dispose(bool disposing)
        {
            input.Dispose();
            output.Dispose();
            base.Dispose(disposing);
        }
    }
}
