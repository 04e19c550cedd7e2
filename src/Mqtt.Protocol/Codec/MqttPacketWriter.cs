using System.Buffers;
using System.IO.Pipelines;

namespace Mqtt.Protocol;

/// <summary>
/// Writes packets in any version. What the version does not have (properties and most reason codes before 5.0) is left out; a CONNECT
/// is always written in the version that it names itself. In 5.0 the shortest form is written.
/// <para>
/// What a reader would refuse is not written: <see cref="ArgumentException"/> says what is wrong, and nothing is written then.
/// </para>
/// </summary>
public static class MqttPacketWriter
{
    // Above this a payload is copied into the output piece by piece, so that no output has to find so much room in one piece.
    private const int LargePayloadBytes = 4096;

    /// <summary>The length of the packet on the wire, in bytes, fixed header included.</summary>
    /// <exception cref="ArgumentException">The packet would be longer than 268,435,460 bytes.</exception>
    public static int Measure(MqttPacket packet, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(packet);
        var remainingLength = MeasureRemaining(packet, version);
        return 1 + VariableByteInteger.Measure(remainingLength) + (int)remainingLength;
    }

    /// <summary>Writes the packet.</summary>
    /// <exception cref="ArgumentException">The packet cannot be sent; no reader would take it.</exception>
    public static void Write(IBufferWriter<byte> output, MqttPacket packet, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(packet);
        Check(packet, version);
        var payload = packet is PublishPacket { Payload.Length: > LargePayloadBytes } publish ? publish.Payload : default;
        var headLength = Measure(packet, version) - payload.Length;
        output.Advance(WriteHead(output.GetSpan(headLength)[..headLength], packet, version, withPayload: payload.IsEmpty));
        if (!payload.IsEmpty)
            output.Write(payload.Span);
    }

    /// <summary>Writes the packet into a span of at least <see cref="Measure"/> bytes; returns how many were written.</summary>
    /// <exception cref="ArgumentException">The packet cannot be sent, or the span is too short.</exception>
    public static int Write(Span<byte> output, MqttPacket packet, MqttProtocolVersion version)
    {
        ArgumentNullException.ThrowIfNull(packet);
        Check(packet, version);
        var length = Measure(packet, version);
        if (output.Length < length)
            throw new ArgumentException($"The packet has {length} bytes; there is room for {output.Length}.", nameof(output));
        return WriteHead(output[..length], packet, version, withPayload: true);
    }

    /// <summary>Writes the packet and flushes; completes when the pipe takes more.</summary>
    /// <exception cref="ArgumentException">The packet cannot be sent; no reader would take it.</exception>
    /// <exception cref="MqttConnectionException">Nobody reads the pipe any more.</exception>
    /// <exception cref="OperationCanceledException">The flush was cancelled; the packet is in the pipe.</exception>
    public static ValueTask WriteAsync(PipeWriter output, MqttPacket packet, MqttProtocolVersion version, CancellationToken cancellationToken = default)
    {
        Write(output, packet, version);
        return FlushAsync(output, cancellationToken);
    }

    private static async ValueTask FlushAsync(PipeWriter output, CancellationToken cancellationToken)
    {
        FlushResult result;
        try
        {
            result = await output.FlushAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (IOException e) when (e is not MqttConnectionException)
        {
            throw new MqttConnectionException("The connection broke.", e);
        }

        if (result.IsCanceled)
            throw new OperationCanceledException("The flush was cancelled.");
        if (result.IsCompleted)
            throw new MqttConnectionException("The other side does not read any more.");
    }

    private static uint MeasureRemaining(MqttPacket packet, MqttProtocolVersion version)
    {
        var length = packet switch
        {
            PublishPacket publish => PublishCodec.Measure(publish, version),
            PublishResponsePacket response => PublishResponseCodec.Measure(response, version),
            ConnectPacket connect => ConnectCodec.Measure(connect),
            ConnAckPacket connAck => ConnAckCodec.Measure(connAck, version),
            SubscribePacket subscribe => SubscribeCodec.Measure(subscribe, version),
            SubAckPacket subAck => SubAckCodec.Measure(subAck, version),
            UnsubscribePacket unsubscribe => UnsubscribeCodec.Measure(unsubscribe, version),
            UnsubAckPacket unsubAck => UnsubAckCodec.Measure(unsubAck, version),
            DisconnectPacket disconnect => DisconnectCodec.Measure(disconnect, version),
            AuthPacket auth => AuthCodec.Measure(auth, version),
            _ => 0,
        };
        if (length > VariableByteInteger.Maximum)
            throw new ArgumentException($"The packet would have {length} bytes; the most is 268,435,455 after the fixed header.", nameof(packet));
        return (uint)length;
    }

    private static void Check(MqttPacket packet, MqttProtocolVersion version)
    {
        if (version is < MqttProtocolVersion.V310 or > MqttProtocolVersion.V500)
            throw new ArgumentOutOfRangeException(nameof(version), version, "There is no such version.");
        switch (packet)
        {
            case PublishPacket publish:
                PublishCodec.Check(publish, version);
                break;
            case PublishResponsePacket response:
                PublishResponseCodec.Check(response, version);
                break;
            case ConnectPacket connect:
                ConnectCodec.Check(connect);
                break;
            case ConnAckPacket connAck:
                ConnAckCodec.Check(connAck, version);
                break;
            case SubscribePacket subscribe:
                SubscribeCodec.Check(subscribe, version);
                break;
            case SubAckPacket subAck:
                SubAckCodec.Check(subAck, version);
                break;
            case UnsubscribePacket unsubscribe:
                UnsubscribeCodec.Check(unsubscribe, version);
                break;
            case UnsubAckPacket unsubAck:
                UnsubAckCodec.Check(unsubAck, version);
                break;
            case DisconnectPacket disconnect:
                DisconnectCodec.Check(disconnect, version);
                break;
            case AuthPacket auth:
                AuthCodec.Check(auth, version);
                break;
        }
    }

    private static int WriteHead(Span<byte> output, MqttPacket packet, MqttProtocolVersion version, bool withPayload)
    {
        var frame = new FrameWriter(output, packet is ConnectPacket named ? named.Version : version);
        frame.WriteByte((byte)(((int)packet.Type << 4) | Flags(packet)));
        frame.WriteVariableByteInteger(MeasureRemaining(packet, version));
        switch (packet)
        {
            case PublishPacket publish:
                PublishCodec.WriteHead(ref frame, publish);
                if (withPayload)
                    frame.WriteBytes(publish.Payload.Span);
                break;
            case PublishResponsePacket response:
                PublishResponseCodec.Write(ref frame, response);
                break;
            case ConnectPacket connect:
                ConnectCodec.Write(ref frame, connect);
                break;
            case ConnAckPacket connAck:
                ConnAckCodec.Write(ref frame, connAck);
                break;
            case SubscribePacket subscribe:
                SubscribeCodec.Write(ref frame, subscribe);
                break;
            case SubAckPacket subAck:
                SubAckCodec.Write(ref frame, subAck);
                break;
            case UnsubscribePacket unsubscribe:
                UnsubscribeCodec.Write(ref frame, unsubscribe);
                break;
            case UnsubAckPacket unsubAck:
                UnsubAckCodec.Write(ref frame, unsubAck);
                break;
            case DisconnectPacket disconnect:
                DisconnectCodec.Write(ref frame, disconnect);
                break;
            case AuthPacket auth:
                AuthCodec.Write(ref frame, auth);
                break;
        }

        return frame.Position;
    }

    private static int Flags(MqttPacket packet) => packet switch
    {
        PublishPacket publish => PublishCodec.Flags(publish),
        PubRelPacket or SubscribePacket or UnsubscribePacket => 0x02, // [MQTT-3.6.1-1], [MQTT-3.8.1-1], [MQTT-3.10.1-1]
        _ => 0,
    };
}
