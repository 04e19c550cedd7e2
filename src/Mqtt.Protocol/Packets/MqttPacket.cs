namespace Mqtt.Protocol;

/// <summary>
/// A control packet. One type serves all versions: what a version does not have is not written to it, and is
/// empty when read from it.
/// <para>
/// A packet that was read consists of slices of the bytes it was read from. It is <em>borrowed</em>: valid until the
/// reader is asked for the next packet or, inside a server's handler, until the returned task completes. Copy what
/// must live longer.
/// </para>
/// </summary>
public abstract class MqttPacket
{
    private protected MqttPacket()
    {
    }

    /// <summary>Which of the fifteen control packets this is.</summary>
    public abstract MqttPacketType Type { get; }

    /// <summary>The properties as they stand on the wire (section 2.2.2); the packet's own members read and write them by name.</summary>
    public MqttProperties Properties { get; set; }

    /// <summary>The whole packet as it was read, fixed header included; empty if the packet was made by hand. Borrowed as the packet is.</summary>
    public ReadOnlyMemory<byte> Frame { get; internal set; }

    /// <summary>Name-value pairs in their order (5.0, property 0x26). Default: none.</summary>
    public UserProperties UserProperties
    {
        get => Properties.UserProperties;
        set => Properties = Properties.With(value);
    }
}
