using Mqtt.Protocol;
using Mqtt.Protocol.Channels;
using Mqtt.Server.Broker.Hooks;
using Mqtt.Server.Broker.InProcess;
using Mqtt.Server.Broker.Messages;
using Mqtt.Server.Broker.Sessions;

namespace Mqtt.Server.Broker.Flows;

/// <summary>
/// CONNECT: check it, authenticate, take the client identifier over from an older connection, resume or begin the session, answer. Nothing of an
/// existing session is touched before the client is known to be who it says.
/// </summary>
internal sealed class ConnectFlow(SessionContext context, SessionTable table, ClientGates gates, SessionEndFlow ending, SubscribeFlow subscribing)
{
    private readonly TakeoverWatch takeovers = new(context);
    private volatile Authenticator authenticator = new(context.Options, context.Statistics);

    // Numbers the CONNECTs in the order in which they came, or, where nobody is asked, in which they took their client's gate.
    private long lastNumber;

    /// <summary>The options may have changed.</summary>
    public void Reconfigure() => authenticator = new(context.Options, context.Statistics);

    /// <summary>Takes a CONNECT. May wait for a hook, for another flow of the same client and for the store.</summary>
    public ValueTask OnConnectAsync(MqttConnection connection, ConnectPacket packet)
    {
        if (Refusal(packet) is { } refusal)
        {
            Refuse(connection, packet, refusal);
            return default;
        }

        if (authenticator.IsOpen || connection.State is InProcessLogin { BypassesRights: true })
            return AcceptAsync(connection, packet, AuthenticationResult.Allowed, null, null);
        var number = Interlocked.Increment(ref lastNumber);
        if (packet.AuthenticationMethod is null)
            return AuthenticateAsync(connection, packet.ToOwned(), number);
        if (authenticator.TryFind(packet.AuthenticationMethod.Value.ToString(), out var hook))
            BeginExchange(connection, packet.ToOwned(), hook, number);
        else
            Refuse(connection, packet, ReasonCode.BadAuthenticationMethod);
        return default;
    }

    /// <summary>Takes an AUTH of a client that is in: the answer to a question, or the wish to authenticate again.</summary>
    public void OnAuth(Attachment from, AuthPacket packet)
    {
        if (from.Authentication is not { } authentication)
            throw new MqttProtocolException(ReasonCode.ProtocolError, "AUTH without an authentication method in CONNECT [MQTT-4.12.0-7].");
        if (packet.ReasonCode != ReasonCode.ReAuthenticate || authentication.IsRunning)
        {
            authentication.OnAuth(packet);
            return;
        }

        AuthenticationExchange.CheckMethod(packet, authentication.Method);
        if (!authenticator.TryFind(authentication.Method, out var hook))
        {
            from.Connection.Close(ReasonCode.BadAuthenticationMethod, "This method is not taken any more.");
            return;
        }

        var again = new ConnectPacket { Version = from.Version, Properties = packet.Properties.ToOwned() };
        var request = new AuthenticationRequest(from.Connection, again, from.Limits, from);
        authentication.Begin(NewExchange(request), exchange => ReAuthenticateAsync(from, hook, exchange));
    }

    private void Refuse(MqttConnection connection, ConnectPacket packet, ReasonCode code) => Refuse(connection, packet, AuthenticationResult.Refused(code));

    private void Refuse(MqttConnection connection, ConnectPacket packet, AuthenticationResult result) =>
        connection.Send(ConnectAnswer.Refuse(packet, result, context.Options));

    private ReasonCode? Refusal(ConnectPacket packet)
    {
        if (packet.Version < context.Options.MinimumVersion)
            return ReasonCode.UnsupportedProtocolVersion;
        if (packet.AuthenticationMethod is { } method && !authenticator.TryFind(method.ToString(), out _))
            return ReasonCode.BadAuthenticationMethod;
        if (!packet.ClientId.IsEmpty)
            return null;

        // Without an identifier there is no session to keep, and 3.1 knows no such client at all.
        var mayBeAssigned = packet.Version == MqttProtocolVersion.V500 || (packet.Version == MqttProtocolVersion.V311 && packet.CleanStart);
        return mayBeAssigned && context.Options.AssignClientIds ? null : ReasonCode.ClientIdentifierNotValid;
    }

    // --- Authentication

    // The connection waits, and with it what the client sends behind its CONNECT.
    private async ValueTask AuthenticateAsync(MqttConnection connection, ConnectPacket packet, long number)
    {
        var result = await authenticator.AuthenticateAsync(new AuthenticationRequest(connection, packet, context.Options.Limits)).ConfigureAwait(false);
        if (result.IsAllowed)
            await AcceptAsync(connection, packet, result, null, number).ConfigureAwait(false);
        else
            Refuse(connection, packet, result);
    }

    // The connection must go on reading, for AUTH; until CONNACK it takes no other packet but DISCONNECT [MQTT-3.1.2-30], and none that is large.
    private void BeginExchange(MqttConnection connection, ConnectPacket packet, IEnhancedAuthenticationHook hook, long number)
    {
        var method = hook.Method;
        var authentication = new EnhancedAuthentication(method, context.Options.Scheduler);
        connection.State = authentication;
        connection.MaximumPacketBytes = context.Options.Authentication.MaximumBytes + method.Length + 1024;
        authentication.Begin(
            NewExchange(new AuthenticationRequest(connection, packet, context.Options.Limits)),
            exchange => AuthenticateAsync(connection, packet, authentication, hook, exchange, number));
    }

    private async Task AuthenticateAsync(
        MqttConnection connection, ConnectPacket packet, EnhancedAuthentication authentication, IEnhancedAuthenticationHook hook, AuthenticationExchange exchange, long number)
    {
        var result = await authenticator.AuthenticateAsync(hook, exchange, authentication.Gone).ConfigureAwait(false);
        if (result.IsAllowed && !authentication.Gone.IsCancellationRequested)
            await AcceptAsync(connection, packet, result, authentication, number).ConfigureAwait(false);
        else
            Refuse(connection, packet, result); // [MQTT-4.12.0-4]
    }

    private async Task ReAuthenticateAsync(Attachment from, IEnhancedAuthenticationHook hook, AuthenticationExchange exchange)
    {
        var result = await authenticator.AuthenticateAsync(hook, exchange, from.Authentication!.Gone).ConfigureAwait(false);
        if (!result.IsAllowed)
        {
            from.Connection.Close(GoodbyeFor(result.ReasonCode), result.ReasonString); // [MQTT-4.12.1-2]
            return;
        }

        var answer = exchange.Packet(ReasonCode.Success, result.AuthenticationData);
        if (result.ReasonString is not null)
            answer.ReasonString = result.ReasonString;
        answer.UserProperties = result.UserProperties;
        from.Connection.Send(answer);
    }

    // What CONNACK may say, and DISCONNECT may not, is not authorised.
    private static ReasonCode GoodbyeFor(ReasonCode code) => code switch
    {
        ReasonCode.UnsupportedProtocolVersion or ReasonCode.ClientIdentifierNotValid or ReasonCode.BadUserNameOrPassword or
            ReasonCode.ServerUnavailable or ReasonCode.Banned => ReasonCode.NotAuthorized,
        _ => code,
    };

    private AuthenticationExchange NewExchange(AuthenticationRequest request) => new(request, context.Options.Authentication, context.Options.Scheduler);

    // --- The client may come in

    private async ValueTask AcceptAsync(MqttConnection connection, ConnectPacket packet, AuthenticationResult result, EnhancedAuthentication? authentication, long? asNumber)
    {
        var limits = result.Limits ?? context.Options.Limits;
        connection.MaximumPacketBytes = limits.MaximumPacketBytes;
        var assigned = packet.ClientId.IsEmpty ? result.AssignedClientId ?? Guid.NewGuid().ToString("N") : null;
        var answer = ConnectAnswer.Accept(connection, packet, result, limits, context.Options);
        if (assigned is not null && packet.Version == MqttProtocolVersion.V500)
            answer.AssignedClientIdentifier = assigned;
        if (WillRefusal(packet, limits) is { } refusal)
        {
            Refuse(connection, packet, refusal);
            return;
        }

        // A client must be told the limits, and this one does not take a packet of that size [MQTT-3.1.2-24].
        if (!connection.TryFit(answer))
        {
            Refuse(connection, packet, ReasonCode.PacketTooLarge);
            return;
        }

        var clientId = assigned ?? packet.ClientId.ToString();
        var userName = result.UserName ?? packet.UserName?.ToString();
        IReadOnlyList<TopicSubscription> subscriptions = [];
        if (ConnectHooks.AreAsked(context))
        {
            var request = new ConnectRequest(connection, packet, clientId, userName);
            var client = new ConnectingClient(connection, packet, clientId, userName, limits);
            if (await ConnectHooks.AskAsync(context, client, packet, request).ConfigureAwait(false) is { } refused)
            {
                connection.Send(refused);
                return;
            }

            subscriptions = request.Subscriptions;
        }

        // Two devices with one name would put each other out for ever, as fast as they can.
        if (takeovers.PauseFor(clientId) is { } pause)
        {
            await pause.ConfigureAwait(false);
            if (connection.IsPeerGone)
                return;
        }

        using (await gates.EnterAsync(clientId).ConfigureAwait(false))
        {
            var number = asNumber ?? Interlocked.Increment(ref lastNumber);
            table.TryFind(clientId, out var session);
            if (session is not null && Belongs(session, userName, number) is { } other)
            {
                Refuse(connection, packet, other);
                return;
            }

            var wasConnected = session?.Attachment is not null;
            var isWillDue = session is not null && TakeOver(session, packet);
            var will = isWillDue ? await ending.AskWillAsync(session!).ConfigureAwait(false) : null;
            if (session is { HasEnded: true })
                return;
            (session, answer.SessionPresent, var position) = Begin(clientId, session, packet, limits, userName, wasConnected, isWillDue, will);
            if (context.Watch is { } watch)
                await watch.WaitAsync(position).ConfigureAwait(false);
            var attachment = new Attachment(session, connection, packet, limits, userName, number) { Authentication = authentication };
            Attach(attachment, answer, subscriptions);
            attachment.CountConnect(packet, answer);
            context.Statistics.OnConnected(answer.SessionPresent);
            context.SystemTopics?.Notify(clientId, isOnline: true);
            ConnectHooks.Tell(context.Hooks, attachment, answer.SessionPresent);
        }
    }

    private void Attach(Attachment attachment, ConnAckPacket answer, IReadOnlyList<TopicSubscription> subscriptions)
    {
        var connection = attachment.Connection;
        connection.State = attachment;
        if (answer.ServerKeepAlive is { } seconds)
            connection.KeepAlive = TimeSpan.FromSeconds(seconds);
        using (Turn.Enter(out var turn))
        {
            attachment.Session.Attach(attachment, answer, turn);
            subscribing.SubscribeFor(attachment, subscriptions, turn);
        }
    }

    private ReasonCode? WillRefusal(ConnectPacket packet, ClientLimits limits)
    {
        if (packet.Will is not { } will)
            return null;
        if (will.QualityOfService > limits.MaximumQualityOfService)
            return ReasonCode.QoSNotSupported; // [MQTT-3.2.2-12]
        if (will.Retain && !limits.RetainAvailable)
            return ReasonCode.RetainNotSupported; // [MQTT-3.2.2-13]
        return context.Options.CheckPayloadFormat && !PayloadFormat.IsValid(will.Properties, will.Payload.Span) ? ReasonCode.PayloadFormatInvalid : null;
    }

    // Whose the identifier is, or that a later CONNECT of the same client was faster through its authentication.
    private ReasonCode? Belongs(Session session, string? userName, long number)
    {
        if (!authenticator.IsOpen && context.Options.Authentication.BindClientIds && session.Owner != userName)
            return ReasonCode.ClientIdentifierNotValid;
        return session.Attachment is { } newer && newer.Number > number ? ReasonCode.ServerBusy : null;
    }

    private (Session Session, bool Resumed, long Position) Begin(
        string clientId, Session? session, ConnectPacket packet, ClientLimits limits, string? userName, bool wasConnected, bool isWillDue, WillMessage? will)
    {
        // The will of the older connection, and that it was published, are one unit: kept apart, a crash between them would publish it twice.
        using var unit = context.Unit();
        var position = 0L;
        if (session is not null && EndsWith(session, packet))
        {
            position = ending.End(session, wasConnected ? SessionEnd.TakenOver : SessionEnd.CleanStart, will);
            session = null;
        }
        else if (session is not null)
        {
            if (isWillDue)
                ending.PublishWill(session, will);
            ending.Cancel(session);
        }

        var resumed = session is not null;
        if (session is null)
            table.Add(session = new Session(clientId, context));
        session.Owner = userName;
        session.ExpirySeconds = limits.ExpiryOf(packet);
        session.Will = packet.Will?.ToOwned();
        return (session, resumed, Math.Max(position, ending.Save(session, null)));
    }

    // The older connection is untied at once: its late events touch nothing, and nobody waits for its socket. Its will is published
    // and retained before the newcomer's CONNACK unless it is delayed and the session goes on. Tells whether the will is due.
    private bool TakeOver(Session session, ConnectPacket packet)
    {
        if (session.Attachment is not { } old || !session.Detach(old))
            return EndsWith(session, packet);

        // A client that comes back before its end was noticed is no second device.
        if (!old.Connection.IsPeerGone)
            takeovers.OnTakeover(session.ClientId);
        old.Connection.Close(ReasonCode.SessionTakenOver);

        // It said goodbye, and nobody has noticed its end yet.
        if (old.EndedNormally)
            session.Will = null;
        return EndsWith(session, packet) || (session.Will?.DelayInterval ?? 0) == 0;
    }

    private static bool EndsWith(Session session, ConnectPacket packet) => packet.CleanStart || session.ExpirySeconds == 0;
}
