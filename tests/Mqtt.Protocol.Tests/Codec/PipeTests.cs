using System.Buffers;
using System.IO.Pipelines;

namespace Mqtt.Protocol.Tests.Codec;

/// <summary>Packets over pipes.</summary>
public class PipeTests
{
    private readonly Pipe pipe = new(new PipeOptions(pauseWriterThreshold: 64 * 1024, resumeWriterThreshold: 32 * 1024, useSynchronizationContext: false));
    private readonly MqttPacketReader reader = new(MqttProtocolVersion.V311);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Packets_that_came_together_are_read_one_by_one_until_the_stream_ends()
    {
        await Send("C0 00 30 { s'a' 'x' } 40 02 0001");
        await pipe.Writer.CompleteAsync();

        (await Next()).Should().Be("PINGREQ");
        (await Next()).Should().Be("PUBLISH q0 'a' 'x'");
        (await Next()).Should().Be("PUBACK 1 00");
        (await reader.ReadAsync(pipe.Reader, Stop)).Should().BeNull();
        (await reader.ReadAsync(pipe.Reader, Stop)).Should().BeNull("the end does not change");
    }

    [Fact]
    public async Task A_read_waits_for_the_rest_of_a_packet()
    {
        await Send("30 05 00");
        var reading = reader.ReadAsync(pipe.Reader, Stop);
        reading.IsCompleted.Should().BeFalse();
        await Send("01 'a' 'x'");
        reading.IsCompleted.Should().BeFalse();
        await Send("'y'");

        PacketText.Of((await reading)!).Should().Be("PUBLISH q0 'a' 'xy'");
    }

    [Fact]
    public async Task A_packet_stays_as_it_is_until_the_next_read_whatever_arrives_meanwhile()
    {
        await Send("30 { s'first' 'x' } 30 { s'second' 'y' }");
        var packet = await reader.ReadAsync(pipe.Reader, Stop);
        for (var i = 0; i < 1000; i++)
            pipe.Writer.Write(Wire.Bytes("30 { s'third' 'zzzzzzzzzz' }"));
        var flushing = pipe.Writer.FlushAsync(Stop);

        PacketText.Of(packet!).Should().Be("PUBLISH q0 'first' 'x'");
        (await Next()).Should().Be("PUBLISH q0 'second' 'y'");
        for (var i = 0; i < 1000; i++)
            (await Next()).Should().Be("PUBLISH q0 'third' 'zzzzzzzzzz'");
        await flushing;
    }

    [Fact]
    public async Task A_packet_larger_than_the_pipe_holds_back_is_read()
    {
        var payload = new byte[300_000];
        payload.AsSpan().Fill((byte)'x');
        var writing = MqttPacketWriter.WriteAsync(pipe.Writer, new PublishPacket { Topic = "a", Payload = payload }, MqttProtocolVersion.V311, Stop);
        var packet = (PublishPacket)(await reader.ReadAsync(pipe.Reader, Stop))!;

        packet.Payload.Span.SequenceEqual(payload).Should().BeTrue();
        await reader.ReadAsync(Completed("C0 00"), Stop);
        await writing;
    }

    [Theory]
    [InlineData("30")]
    [InlineData("30 05 0001")]
    [InlineData("C0 00 C0")]
    public async Task A_stream_that_ends_inside_a_packet_is_a_broken_connection(string wire)
    {
        await Send(wire);
        await pipe.Writer.CompleteAsync();
        var reading = async () =>
        {
            while (await reader.ReadAsync(pipe.Reader, Stop) is not null)
                continue;
        };

        await reading.Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task A_stream_that_breaks_is_a_broken_connection_with_the_cause_inside()
    {
        var cause = new IOException("cable");
        await pipe.Writer.CompleteAsync(cause);
        var reading = async () => await reader.ReadAsync(pipe.Reader, Stop);

        (await reading.Should().ThrowAsync<MqttConnectionException>()).Which.InnerException.Should().BeSameAs(cause);
    }

    [Fact]
    public async Task Bytes_that_break_the_protocol_break_it_in_every_further_read()
    {
        await Send("C0 00 00 00 C0 00");
        (await Next()).Should().Be("PINGREQ");
        var reading = async () => await reader.ReadAsync(pipe.Reader, Stop);

        await reading.Should().ThrowAsync<MqttProtocolException>();
        await reading.Should().ThrowAsync<MqttProtocolException>();
        await pipe.Reader.CompleteAsync();
    }

    [Fact]
    public async Task A_cancelled_read_loses_nothing()
    {
        using var cancel = new CancellationTokenSource();
        await Send("30 05 0001");
        var first = reader.ReadAsync(pipe.Reader, cancel.Token);
        await cancel.CancelAsync();
        await first.AsTask().Invoking(task => task).Should().ThrowAsync<OperationCanceledException>();

        var second = reader.ReadAsync(pipe.Reader, Stop);
        pipe.Reader.CancelPendingRead();
        await second.AsTask().Invoking(task => task).Should().ThrowAsync<OperationCanceledException>();

        await Send("'a' 'xy'");
        (await Next()).Should().Be("PUBLISH q0 'a' 'xy'");
    }

    [Fact]
    public async Task A_reader_can_turn_to_another_pipe_and_back()
    {
        await Send("C0 00 D0 00");
        (await Next()).Should().Be("PINGREQ");
        PacketText.Of((await reader.ReadAsync(Completed("40 02 0001"), Stop))!).Should().Be("PUBACK 1 00");
        pipe.Reader.TryRead(out var left).Should().BeTrue("what was not read is given back");
        left.Buffer.ToArray().Should().Equal(0xD0, 0x00);
        pipe.Reader.AdvanceTo(left.Buffer.Start);
    }

    [Fact]
    public async Task Packets_are_written_and_flushed()
    {
        await MqttPacketWriter.WriteAsync(pipe.Writer, new PublishPacket { Topic = "a", Payload = "x"u8.ToArray() }, MqttProtocolVersion.V311, Stop);
        (await Next()).Should().Be("PUBLISH q0 'a' 'x'");
    }

    [Fact]
    public async Task Writing_to_a_pipe_that_nobody_reads_any_more_is_a_broken_connection()
    {
        await pipe.Reader.CompleteAsync();
        var writing = async () => await MqttPacketWriter.WriteAsync(pipe.Writer, new PingReqPacket(), MqttProtocolVersion.V311, Stop);
        await writing.Should().ThrowAsync<MqttConnectionException>();
    }

    [Fact]
    public async Task A_flush_that_waits_can_be_cancelled()
    {
        var writing = MqttPacketWriter.WriteAsync(pipe.Writer, new PublishPacket { Topic = "a", Payload = new byte[100_000] }, MqttProtocolVersion.V311, Stop);
        writing.IsCompleted.Should().BeFalse();
        pipe.Writer.CancelPendingFlush();
        await writing.AsTask().Invoking(task => task).Should().ThrowAsync<OperationCanceledException>();
    }

    private static PipeReader Completed(string wire) => PipeReader.Create(new MemoryStream(Wire.Bytes(wire)));

    private async Task<string> Next() => PacketText.Of((await reader.ReadAsync(pipe.Reader, Stop))!);

    private async Task Send(string wire) => await pipe.Writer.WriteAsync(Wire.Bytes(wire), Stop);
}
