using Mqtt.Protocol;
using Mqtt.Protocol.Channels;

namespace Mqtt.Testing;

/// <summary>
/// The raw other end of a connection: sends exactly what the script says, well-formed or not, and fails with a clear message, and the
/// whole conversation, where something else comes than the script expects. It answers nothing by itself.
/// <para>
/// With a <see cref="TurnPump"/> it drives the whole conversation on the calling thread: <see cref="Expect{T}"/> lets everything run until
/// all is quiet, so that "nothing came" is a fact and not a time-out. Without one, use the asynchronous members; they wait for
/// <see cref="Patience"/> at most. With a pump the asynchronous members work too, and never wait.
/// </para>
/// <code>
/// var pump = new TurnPump();
/// var (ours, theirs) = MemoryChannel.CreatePair(pump);
/// var server = new ScriptedPeer(theirs, MqttSender.Server, pump: pump);
/// var connecting = ConnectTheClientUnderTest(ours);
/// server.Accept();                                   // CONNECT, CONNACK
/// server.Send(new PublishPacket { Topic = "a", QualityOfService = QualityOfService.AtLeastOnce, PacketId = 7 });
/// server.Expect&lt;PubAckPacket>().PacketId.Should().Be(7);
/// server.ExpectNothing();
/// </code>
/// <para>Packets that it returns are the caller's to keep. One thread at a time uses it.</para>
/// </summary>
public sealed class ScriptedPeer : IAsyncDisposable
{
    private const int ReadBytes = 4096;

    private readonly MqttChannel channel;
    private readonly TurnPump? pump;
    private readonly MqttPacketReader reader;
    private readonly List<string> transcript = [];

    // What was received lies between taken and filled. Packets are slices of the array, so that no byte of it is written twice.
    private byte[] received = new byte[ReadBytes];
    private int taken;
    private int filled;

    // The read that is under way, and how reading ended.
    private Task<int>? reading;
    private bool ended;

    /// <summary>Creates one end of a conversation.</summary>
    /// <param name="channel">The channel to the side under test; the peer owns it.</param>
    /// <param name="side">Which side the peer plays, and so which packets may come from the other. Default: the client.</param>
    /// <param name="version">How packets are written until a CONNECT, sent or received, says otherwise. Default: 5.0.</param>
    /// <param name="pump">What drives the channel. Default: none; then only the asynchronous members can be used.</param>
    public ScriptedPeer(
        MqttChannel channel, MqttSender side = MqttSender.Client, MqttProtocolVersion version = MqttProtocolVersion.V500, TurnPump? pump = null)
    {
        ArgumentNullException.ThrowIfNull(channel);
        this.channel = channel;
        this.pump = pump;
        Side = side;
        reader = new MqttPacketReader(version, side == MqttSender.Either ? side : MqttSender.Either & ~side);
    }

    /// <summary>Which side the peer plays.</summary>
    public MqttSender Side { get; }

    /// <summary>How packets are written. A CONNECT, sent or received, sets it.</summary>
    public MqttProtocolVersion Version
    {
        get => reader.Version;
        set => reader.Version = value;
    }

    /// <summary>How long the asynchronous members wait, in real time, before they fail. Without meaning if a pump drives. Default: 10 s.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What was sent and received so far, one line each.</summary>
    public IReadOnlyList<string> Transcript => transcript;

    /// <summary>What ended the connection, once an end was found; <see langword="null"/> if the other side ended the stream in order.</summary>
    public MqttConnectionException? Failure { get; private set; }

    /// <summary>Sends a packet.</summary>
    /// <exception cref="ScriptFailedException">The connection is closed, or the other side does not take the bytes.</exception>
    public void Send(MqttPacket packet)
    {
        var bytes = Encode(packet);
        Write($"-> {PacketText.Of(packet)}", bytes);
    }

    /// <summary>Sends bytes as they are.</summary>
    /// <exception cref="ScriptFailedException">The connection is closed, or the other side does not take the bytes.</exception>
    public void SendBytes(params ReadOnlySpan<byte> bytes) => Write($"-> bytes {PacketText.Of(bytes)}", bytes.ToArray());

    /// <summary>Sends a packet.</summary>
    /// <exception cref="ScriptFailedException">The connection is closed, or the other side does not take the bytes.</exception>
    public ValueTask SendAsync(MqttPacket packet)
    {
        var bytes = Encode(packet);
        return WriteAsync($"-> {PacketText.Of(packet)}", bytes);
    }

    /// <summary>Sends bytes as they are.</summary>
    /// <exception cref="ScriptFailedException">The connection is closed, or the other side does not take the bytes.</exception>
    public ValueTask SendBytesAsync(ReadOnlyMemory<byte> bytes) => WriteAsync($"-> bytes {PacketText.Of(bytes.Span)}", bytes);

    /// <summary>Sends CONNECT and takes the CONNACK, whatever it says.</summary>
    /// <param name="connect">The packet. Default: clean start, client identifier <c>scripted</c>, the peer's version.</param>
    public ConnAckPacket Connect(ConnectPacket? connect = null)
    {
        Send(connect ?? PlainConnect());
        return Expect<ConnAckPacket>();
    }

    /// <summary>Sends CONNECT and takes the CONNACK, whatever it says.</summary>
    /// <param name="connect">The packet. Default: clean start, client identifier <c>scripted</c>, the peer's version.</param>
    public async ValueTask<ConnAckPacket> ConnectAsync(ConnectPacket? connect = null)
    {
        await SendAsync(connect ?? PlainConnect()).ConfigureAwait(false);
        return await ExpectAsync<ConnAckPacket>().ConfigureAwait(false);
    }

    /// <summary>Takes a CONNECT and answers it.</summary>
    /// <param name="answer">The answer. Default: success, no session.</param>
    public ConnectPacket Accept(ConnAckPacket? answer = null)
    {
        var connect = Expect<ConnectPacket>();
        Send(answer ?? new ConnAckPacket());
        return connect;
    }

    /// <summary>Takes a CONNECT and answers it.</summary>
    /// <param name="answer">The answer. Default: success, no session.</param>
    public async ValueTask<ConnectPacket> AcceptAsync(ConnAckPacket? answer = null)
    {
        var connect = await ExpectAsync<ConnectPacket>().ConfigureAwait(false);
        await SendAsync(answer ?? new ConnAckPacket()).ConfigureAwait(false);
        return connect;
    }

    /// <summary>The next packet, which must be of this type; <see cref="MqttPacket"/> takes any.</summary>
    /// <exception cref="ScriptFailedException">Another packet came, or something that is none, or the end, or nothing.</exception>
    public T Expect<T>()
        where T : MqttPacket => Check<T>(Next(PacketText.Name(typeof(T))));

    /// <summary>The next packet, which must be of this type; <see cref="MqttPacket"/> takes any.</summary>
    /// <exception cref="ScriptFailedException">Another packet came, or something that is none, or the end, or nothing within <see cref="Patience"/>.</exception>
    public async ValueTask<T> ExpectAsync<T>()
        where T : MqttPacket => Check<T>(await NextAsync(PacketText.Name(typeof(T))).ConfigureAwait(false));

    /// <summary>The other side must have closed the connection, in order or not (<see cref="Failure"/>), with no further packet.</summary>
    /// <exception cref="ScriptFailedException">A packet came, or the connection is open.</exception>
    public void ExpectEnd() => CheckEnd(Next("the end"));

    /// <summary>The other side must close the connection, in order or not (<see cref="Failure"/>), with no further packet.</summary>
    /// <exception cref="ScriptFailedException">A packet came, or the connection is open after <see cref="Patience"/>.</exception>
    public async ValueTask ExpectEndAsync() => CheckEnd(await NextAsync("the end").ConfigureAwait(false));

    /// <summary>Lets everything run until all is quiet; no packet may come, and no end.</summary>
    /// <exception cref="ScriptFailedException">A packet came, or the end.</exception>
    /// <exception cref="InvalidOperationException">There is no pump: only with one is "nothing" a fact. See <see cref="ExpectNothingBeforePingAsync"/>.</exception>
    public void ExpectNothing()
    {
        var driver = Pump();
        driver.Run();
        if (TryNext(driver, out var packet))
            throw Failed($"Expected nothing, but {NameOf(packet)} came.");
    }

    /// <summary>Sends PINGREQ: its PINGRESP must be the next packet. What the other side had to say before it read the ping, it would have said.</summary>
    /// <exception cref="ScriptFailedException">Another packet came, or the end, or nothing.</exception>
    public async ValueTask ExpectNothingBeforePingAsync()
    {
        await SendAsync(new PingReqPacket()).ConfigureAwait(false);
        await ExpectAsync<PingRespPacket>().ConfigureAwait(false);
    }

    /// <summary>Ends the sending side: the other side reads the end of the stream. Receiving goes on.</summary>
    public void CompleteWriting()
    {
        transcript.Add("-> the end");
        channel.CompleteWriting();
    }

    /// <summary>Ends the connection at once, without a word.</summary>
    public void Abort()
    {
        transcript.Add("-> abort");
        channel.Abort();
    }

    /// <summary>Ends the connection.</summary>
    public ValueTask DisposeAsync() => channel.DisposeAsync();

    private ConnectPacket PlainConnect() => new() { Version = Version, ClientId = "scripted" };

    // --- Sending

    private byte[] Encode(MqttPacket packet)
    {
        ArgumentNullException.ThrowIfNull(packet);
        if (packet is ConnectPacket connect)
            Version = connect.Version;
        var bytes = new byte[MqttPacketWriter.Measure(packet, Version)];
        MqttPacketWriter.Write(bytes, packet, Version);
        return bytes;
    }

    private void Write(string line, byte[] bytes)
    {
        var driver = Pump();
        transcript.Add(line);
        var write = Begin(bytes);
        if (!write.IsCompleted)
            driver.Run();
        if (!write.IsCompleted)
            throw Failed("The other side does not take what is sent, and all is quiet.");
        Finish(write);
    }

    private async ValueTask WriteAsync(string line, ReadOnlyMemory<byte> bytes)
    {
        transcript.Add(line);
        var write = Begin(bytes);
        if (!write.IsCompleted)
            pump?.Run();
        await WaitAsync(write, "The other side does not take what is sent.").ConfigureAwait(false);
        Finish(write);
    }

    private Task Begin(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return channel.WriteAsync(bytes).AsTask();
        }
        catch (MqttConnectionException broken)
        {
            return Task.FromException(broken);
        }
    }

    private void Finish(Task write)
    {
        if (write.Exception?.InnerException is { } broken)
            throw Failed("It could not be sent, since the connection is closed.", broken);
    }

    // --- Receiving

    private MqttPacket? Next(string expected)
    {
        var driver = Pump();
        if (TryNext(driver, out var packet))
            return packet;
        throw Failed($"Expected {expected}, but nothing came, and all is quiet.");
    }

    private async ValueTask<MqttPacket?> NextAsync(string expected)
    {
        if (pump is not null)
            return Next(expected);
        MqttPacket? packet;
        while (!TryTake(out packet))
        {
            if (ended)
                return null;
            await WaitAsync(BeginReading(), $"Expected {expected}, but nothing came.").ConfigureAwait(false);
            FinishReading();
        }

        return packet;
    }

    // False if nothing came and all is quiet; true without a packet at the end.
    private bool TryNext(TurnPump driver, out MqttPacket? packet)
    {
        while (!TryTake(out packet))
        {
            if (ended)
                return true;
            var read = BeginReading();
            while (!read.IsCompleted && driver.Run() > 0)
            {
            }

            if (!read.IsCompleted)
                return false;
            FinishReading();
        }

        return true;
    }

    private Task<int> BeginReading()
    {
        if (reading is not null)
            return reading;
        if (filled == received.Length)
            MakeRoom();
        try
        {
            return reading = channel.ReadAsync(received.AsMemory(filled)).AsTask();
        }
        catch (MqttConnectionException broken)
        {
            return reading = Task.FromException<int>(broken);
        }
    }

    private void FinishReading()
    {
        var read = reading!;
        reading = null;
        if (read.Exception?.InnerException is MqttConnectionException broken)
        {
            End(broken);
            return;
        }

        var count = read.GetAwaiter().GetResult();
        filled += count;
        if (count == 0)
            End(null);
    }

    private void End(MqttConnectionException? failure)
    {
        ended = true;
        Failure = failure;
        transcript.Add(failure is null ? "<- the end" : $"<- the connection broke: {failure.Message}");
        if (filled > taken)
            throw Failed($"The connection ended inside a packet: {PacketText.Of(received.AsSpan(taken, filled - taken))}", failure);
    }

    private void MakeRoom()
    {
        var rest = received.AsSpan(taken, filled - taken);
        var larger = new byte[Math.Max(ReadBytes, 2 * rest.Length)];
        rest.CopyTo(larger);
        (received, filled, taken) = (larger, rest.Length, 0);
    }

    private bool TryTake(out MqttPacket? packet)
    {
        try
        {
            if (!reader.TryRead(received.AsMemory(taken, filled - taken), out packet, out var consumed))
                return false;
            taken += consumed;
        }
        catch (MqttProtocolException wrong)
        {
            throw Failed($"Bytes came that are no packet: {PacketText.Of(received.AsSpan(taken, filled - taken))}", wrong);
        }

        reader.Detach();
        transcript.Add($"<- {PacketText.Of(packet)}");
        return true;
    }

    private T Check<T>(MqttPacket? packet)
        where T : MqttPacket =>
        packet as T ?? throw Failed($"Expected {PacketText.Name(typeof(T))}, but {NameOf(packet)} came.", Failure);

    private void CheckEnd(MqttPacket? packet)
    {
        if (packet is not null)
            throw Failed($"Expected the end, but {NameOf(packet)} came.");
    }

    private static string NameOf(MqttPacket? packet) => packet is null ? "the end" : PacketText.Of(packet);

    // --- Waiting and failing

    private async ValueTask WaitAsync(Task task, string otherwise)
    {
        try
        {
            await task.WaitAsync(Patience).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (TimeoutException)
        {
        }

        if (!task.IsCompleted)
            throw Failed($"{otherwise} Waited {Patience.TotalSeconds:0.#} s.");
    }

    private TurnPump Pump() => pump ?? throw new InvalidOperationException("Without a pump, use the asynchronous members.");

    private ScriptFailedException Failed(string message, Exception? cause = null) =>
        new($"{message}{Environment.NewLine}The conversation:{Environment.NewLine}  {string.Join(Environment.NewLine + "  ", transcript)}", cause);
}
