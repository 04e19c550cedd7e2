namespace Mqtt.Protocol.Tests.Codec;

/// <summary>One case of the table: bytes, and the packet or the reason code that they give.</summary>
internal sealed class CodecCase
{
    private CodecCase(string name, MqttProtocolVersion version, MqttSender sender, string wire, string? packet, ReasonCode? refusal)
    {
        Name = $"{name} ({Of(version)}, {sender})";
        Version = version;
        Sender = sender;
        Bytes = Wire.Bytes(wire);
        Packet = packet;
        Refusal = refusal;
        Written = Bytes;
    }

    public string Name { get; }

    public MqttProtocolVersion Version { get; }

    public MqttSender Sender { get; }

    public byte[] Bytes { get; }

    /// <summary>The line that the packet gives, if the bytes are in order.</summary>
    public string? Packet { get; }

    /// <summary>The code of the refusal, if they are not.</summary>
    public ReasonCode? Refusal { get; }

    /// <summary>What a writer makes of the packet: the same bytes unless the case says otherwise.</summary>
    public byte[] Written { get; private set; }

    /// <summary>The statements that the case proves.</summary>
    public List<(SpecVersion Version, string Number)> Statements { get; } = [];

    /// <summary>True if the case holds for a reader that is set in its own way only.</summary>
    public bool NeedsSettings { get; private set; }

    private Action<MqttPacketReader> Settings { get; set; } = _ => { };

    public static CodecCase Reads(string name, MqttProtocolVersion version, MqttSender sender, string wire, string packet) =>
        new(name, version, sender, wire, packet, null);

    public static CodecCase Refuses(string name, MqttProtocolVersion version, MqttSender sender, string wire, ReasonCode refusal) =>
        new(name, version, sender, wire, null, refusal);

    /// <summary>Names statements of 5.0, if the case is one of 5.0.</summary>
    public CodecCase V5(params string[] numbers) => Proves(SpecVersion.V5, Version == MqttProtocolVersion.V500 ? numbers : []);

    /// <summary>Names statements of 3.1.1, if the case is one of 3.1.1.</summary>
    public CodecCase V311(params string[] numbers) => Proves(SpecVersion.V311, Version == MqttProtocolVersion.V311 ? numbers : []);

    /// <summary>Says that the writer makes other bytes of the packet, and which.</summary>
    public CodecCase WrittenAs(string wire)
    {
        Written = Wire.Bytes(wire);
        return this;
    }

    /// <summary>Changes the settings of the reader.</summary>
    public CodecCase With(Action<MqttPacketReader> settings)
    {
        (Settings, NeedsSettings) = (settings, true);
        return this;
    }

    public MqttPacketReader NewReader()
    {
        var reader = new MqttPacketReader(Version, Sender);
        Settings(reader);
        return reader;
    }

    public override string ToString() => Name;

    private CodecCase Proves(SpecVersion version, string[] numbers)
    {
        Statements.AddRange(numbers.Select(number => (version, number)));
        return this;
    }

    private static string Of(MqttProtocolVersion version) => version switch
    {
        MqttProtocolVersion.V310 => "3.1",
        MqttProtocolVersion.V311 => "3.1.1",
        _ => "5.0",
    };
}
