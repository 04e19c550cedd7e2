namespace Mqtt.Client;

/// <summary>
/// The enhanced authentication of one connection (5.0, section 4.12). While it connects, the read loop drives it and looks at nothing else; afterwards whoever
/// re-authenticates does, and the read loop only brings the server's AUTH packets: messages go on flowing.
/// </summary>
internal sealed class Authentication(MqttAuthentication options)
{
    private readonly Lock gate = new();
    private IMqttAuthenticationExchange exchange = new Stateless(options);
    private int steps;

    // What a re-authentication waits for: the server's next AUTH. Under the gate.
    private TaskCompletionSource<AuthPacket>? next;
    private bool isUnderWay;
    private Exception? end;

    /// <summary>Begins, for CONNECT or a re-authentication; the data to send.</summary>
    public ReadOnlyMemory<byte>? Begin()
    {
        exchange = options.BeginExchange?.Invoke() ?? new Stateless(options);
        steps = 0;
        return exchange.Begin();
    }

    /// <summary>Answers a challenge.</summary>
    /// <exception cref="MqttProtocolException">It is none of this method, or one too many.</exception>
    public async ValueTask<AuthPacket> AnswerAsync(AuthPacket challenge, CancellationToken cancellationToken)
    {
        // [MQTT-4.12.0-2], [MQTT-4.12.0-5]
        if (challenge.ReasonCode != ReasonCode.ContinueAuthentication)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "AUTH does not fit the authentication that was begun.");
        RequireMethod(challenge.AuthenticationMethod);
        if (++steps > options.MaximumSteps)
            throw new MqttProtocolException(ReasonCode.ProtocolError, $"The authentication has taken more than {options.MaximumSteps} steps.");
        var data = await exchange.AnswerAsync(challenge.AuthenticationData?.ToArray(), cancellationToken).ConfigureAwait(false);
        return Packet(ReasonCode.ContinueAuthentication, data); // [MQTT-4.12.0-3]
    }

    /// <summary>The server is content; is the client?</summary>
    /// <exception cref="MqttProtocolException">The server has not used the method.</exception>
    public void Complete(MqttString? method, ReadOnlyMemory<byte>? data)
    {
        RequireMethod(method); // A server that accepts without the method has proven nothing.
        exchange.Complete(data?.ToArray());
    }

    /// <summary>A re-authentication begins; <see cref="RepeatAsync"/> must follow.</summary>
    /// <exception cref="InvalidOperationException">One is under way.</exception>
    public void StartRepeating()
    {
        lock (gate)
        {
            if (isUnderWay)
                throw new InvalidOperationException("A re-authentication is under way.");
            isUnderWay = true;
        }
    }

    /// <summary>Authenticates anew; completes when both sides are content.</summary>
    /// <exception cref="Exception">It failed, for any reason: the connection must end.</exception>
    public async Task RepeatAsync(Action<AuthPacket> send, CancellationToken cancellationToken)
    {
        try
        {
            var packet = Packet(ReasonCode.ReAuthenticate, Begin()); // [MQTT-4.12.1-1]
            while (true)
            {
                var answer = Expect();
                send(packet);
                var auth = await answer.WaitAsync(cancellationToken).ConfigureAwait(false);
                if (auth.ReasonCode == ReasonCode.Success)
                {
                    Complete(auth.AuthenticationMethod, auth.AuthenticationData);
                    return;
                }

                packet = await AnswerAsync(auth, cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            lock (gate)
                (isUnderWay, next) = (false, null);
        }
    }

    /// <summary>Takes an AUTH that came after CONNACK.</summary>
    /// <exception cref="MqttProtocolException">Nobody has asked for it.</exception>
    public void OnAuth(AuthPacket packet)
    {
        TaskCompletionSource<AuthPacket>? waiting;
        lock (gate)
            (waiting, next) = (next, null);
        if (waiting is null)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "AUTH that nothing asked for.");
        waiting.SetResult(new AuthPacket { ReasonCode = packet.ReasonCode, Properties = packet.Properties.ToOwned() });
    }

    /// <summary>The connection has ended: so has a re-authentication that is under way, and none begins any more.</summary>
    public void OnEnd(Exception error)
    {
        TaskCompletionSource<AuthPacket>? waiting;
        lock (gate)
        {
            end = error;
            (waiting, next) = (next, null);
        }

        waiting?.SetException(error);
    }

    private Task<AuthPacket> Expect()
    {
        lock (gate)
        {
            if (end is not null)
                throw end;
            next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return next.Task;
        }
    }

    private void RequireMethod(MqttString? method)
    {
        if (method is null || method.Value != options.Method)
            throw new MqttProtocolException(ReasonCode.ProtocolError, $"The server has not kept to the authentication method {options.Method}.");
    }

    private AuthPacket Packet(ReasonCode reasonCode, ReadOnlyMemory<byte>? data) =>
        new() { ReasonCode = reasonCode, AuthenticationMethod = options.Method, AuthenticationData = data };

    /// <summary>The exchange of a method in which each answer depends on the challenge alone.</summary>
    private sealed class Stateless(MqttAuthentication options) : IMqttAuthenticationExchange
    {
        public ReadOnlyMemory<byte>? Begin() => options.InitialData;

        public ValueTask<ReadOnlyMemory<byte>?> AnswerAsync(ReadOnlyMemory<byte>? challenge, CancellationToken cancellationToken) => options.AnswerAsync is { } answer
            ? answer(challenge, cancellationToken)
            : throw new MqttProtocolException(ReasonCode.ProtocolError, "The server sent a challenge to a client that has no answer.");

        public void Complete(ReadOnlyMemory<byte>? data)
        {
            // Whatever it is.
        }
    }
}
