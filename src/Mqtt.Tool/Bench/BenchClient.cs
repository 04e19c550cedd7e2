using System.Diagnostics;
using System.Globalization;
using Mqtt.Client;
using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Protocol.Delivery;

namespace Mqtt.Tool.Bench;

/// <summary>One connection of a run, on packets and channel alone: it connects, subscribes, publishes, and counts what comes.</summary>
internal sealed class BenchClient(BenchRun run, BenchRole role, int number) : IAsyncDisposable
{
    private const int OutboxBytes = 256 * 1024;

    // Packets for which others wait.
    private readonly TaskCompletionSource accepted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource subscribed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly OutgoingFlights<long> requests = new(ushort.MaxValue);
    private readonly ReceiveBuffer buffer = new();
    private readonly MqttPacketReader reader = new(run.Settings.Version, MqttSender.Server);
    private MqttChannel channel = null!;
    private Outbox outbox = null!;
    private Task reading = Task.CompletedTask;
    private long connectBegun;
    private int nextFilter;
    private SeenNumbers[] seen = [];

    /// <summary>Its publisher; <see langword="null"/> if it publishes nothing.</summary>
    public BenchPublisher? Publisher { get; private set; }

    /// <summary>True while the server has accepted it.</summary>
    public bool IsConnected => accepted.Task.IsCompletedSuccessfully && !outbox.IsClosed;

    private MqttProtocolVersion Version => run.Settings.Version;

    /// <summary>Connects.</summary>
    /// <exception cref="MqttConnectionException">The server cannot be reached, or refuses.</exception>
    public async Task ConnectAsync(CancellationToken cancellationToken)
    {
        connectBegun = Stopwatch.GetTimestamp();
        channel = await Dialer.DialAsync(run.Options.Server, run.Options, cancellationToken);
        outbox = new Outbox(channel, OutboxBytes) { Drained = OnDrained, Failed = error => OnEnded(error) };
        if (role.Topic is not null)
            Publisher = new BenchPublisher(run, role, outbox, number);
        if (role.Filters.Count > 0)
            seen = new SeenNumbers[run.PublisherCount];
        reading = ReadAsync();
        Send(ConnectPacket());
        await accepted.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Subscribes to its filters, a hundred at a time, and waits for the last SUBACK.</summary>
    /// <exception cref="MqttConnectionException">The server refuses, or the connection has ended.</exception>
    public Task SubscribeAsync(CancellationToken cancellationToken)
    {
        if (role.Filters.Count == 0)
            return Task.CompletedTask;
        using (Turn.Enter(out var turn))
        {
            for (var ahead = 0; ahead < 100; ahead++)
                SubscribeNext(turn);
        }

        return subscribed.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Says goodbye, and closes.</summary>
    public async ValueTask DisposeAsync()
    {
        if (channel is null)
            return;
        using (Turn.Enter(out var turn))
            outbox.AppendLast(new DisconnectPacket(), Version, turn);
        await Task.WhenAny(reading, Task.Delay(TimeSpan.FromSeconds(1)));
        await channel.DisposeAsync();
        await reading;
        buffer.Dispose();
    }

    private ConnectPacket ConnectPacket()
    {
        var packet = new ConnectPacket
        {
            Version = Version,
            ClientId = string.Create(CultureInfo.InvariantCulture, $"bench-{Environment.ProcessId}-{number}"),
            CleanStart = true,
        };
        if (run.Options.Credentials is { } credentials)
            (packet.UserName, packet.Password) = (credentials.UserName is { } name ? name : default(MqttString?), credentials.Password);
        return packet;
    }

    private void Send(MqttPacket packet)
    {
        using (Turn.Enter(out var turn))
            outbox.Append(packet, Version, turn);
    }

    private void SubscribeNext(Turn turn)
    {
        ushort packetId;
        string filter;
        lock (outbox.Gate)
        {
            if (nextFilter == role.Filters.Count)
                return;
            filter = role.Filters[nextFilter++];
            requests.TryReserve(Stopwatch.GetTimestamp(), out packetId);
        }

        outbox.Append(new SubscribePacket { PacketId = packetId, Subscriptions = [new TopicSubscription(filter, run.Settings.SubscribedQualityOfService)] }, Version, turn);
    }

    // An idle connection of thousands must not own a buffer; a busy one is not asked twice.
    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                if (run.HasMany)
                {
                    buffer.Trim();
                    await channel.WaitReadableAsync().ConfigureAwait(false);
                }

                var count = await channel.ReadAsync(buffer.GetRoom()).ConfigureAwait(false);
                if (count == 0)
                    throw new MqttConnectionException("The server closed the connection.");
                buffer.Add(count);
                Take();
            }
        }
        catch (Exception error) when (error is IOException or MqttProtocolException or ObjectDisposedException)
        {
            OnEnded(error);
        }
    }

    private void OnEnded(Exception error)
    {
        outbox.Close();
        accepted.TrySetException(error);
        subscribed.TrySetException(error);
        _ = (accepted.Task.Exception, subscribed.Task.Exception);
        run.OnEnded(error);
    }

    private void OnDrained()
    {
        if (run.IsPaced)
            return;
        using (Turn.Enter(out var turn))
            Publisher?.Pump(turn);
    }

    private void Take()
    {
        var now = Stopwatch.GetTimestamp();
        var tally = run.TallyOfThread;
        tally.LatestAt = now;
        using (Turn.Enter(out var turn))
        {
            BenchPublisher? publisher = null;
            var delivered = 0;
            while (reader.TryRead(buffer.Unread, out var packet, out var consumed))
            {
                if (packet is PublishPacket message)
                {
                    var from = OnMessage(message, now, tally, turn);
                    if (from != publisher)
                    {
                        publisher?.OnDelivered(delivered, turn);
                        (publisher, delivered) = (from, 0);
                    }

                    delivered++;
                }
                else
                {
                    Take(packet, now, tally, turn);
                }

                buffer.Consume(consumed);
            }

            publisher?.OnDelivered(delivered, turn);
            if (!run.IsPaced)
                Publisher?.Pump(turn);
        }
    }

    private BenchPublisher? OnMessage(PublishPacket message, long now, BenchTally tally, Turn turn)
    {
        if (message.QualityOfService != QualityOfService.AtMostOnce)
            Respond(message.QualityOfService == QualityOfService.AtLeastOnce ? 0x40 : 0x50, message.PacketId, turn);

        // What is not ours was retained, or is published by somebody else.
        if (!MessageStamp.TryRead(message.Payload.Span, seen.Length, out var stamp) || message.Retain || run.PublisherOf(stamp.Publisher) is not { } publisher)
            return null;
        tally.Received++;
        tally.Delivery.Add(BenchRun.Nanoseconds(now - stamp.SentAt));
        seen[stamp.Publisher].Take(stamp.Number, tally);
        return publisher;
    }

    private void Respond(int firstByte, ushort packetId, Turn turn) =>
        outbox.Append([(byte)firstByte, 2, (byte)(packetId >> 8), (byte)packetId], turn);

    private void Take(MqttPacket packet, long now, BenchTally tally, Turn turn)
    {
        switch (packet)
        {
            case PubRelPacket release:
                Respond(0x70, release.PacketId, turn);
                break;
            case PublishResponsePacket response when Publisher is not null:
                if (Publisher.OnResponse(response, now, tally))
                    Respond(0x62, response.PacketId, turn);
                break;
            case SubAckPacket answer:
                OnSubAck(answer, now, tally, turn);
                break;
            case ConnAckPacket answer:
                if (answer.ReasonCode != ReasonCode.Success)
                    throw new MqttConnectionException($"The server refused the connection: {answer.ReasonCode}.");
                tally.Answers.Add(BenchRun.Nanoseconds(now - connectBegun));
                accepted.TrySetResult();
                break;
            case DisconnectPacket goodbye:
                throw new MqttConnectionException($"The server ended the connection: {goodbye.ReasonCode}.");
        }
    }

    private void OnSubAck(SubAckPacket answer, long now, BenchTally tally, Turn turn)
    {
        foreach (var code in answer.ReasonCodes)
        {
            if (code >= ReasonCode.UnspecifiedError)
                throw new MqttConnectionException($"The server refused a subscription: {code}.");
        }

        bool isLast;
        long askedAt;
        lock (outbox.Gate)
        {
            requests.TryGet(answer.PacketId, out _, out askedAt);
            requests.OnAnswer(answer.PacketId, out _);
            isLast = requests.Count == 0 && nextFilter == role.Filters.Count;
        }

        tally.Answers.Add(BenchRun.Nanoseconds(now - askedAt));
        if (isLast)
            subscribed.TrySetResult();
        else
            SubscribeNext(turn);
    }
}
