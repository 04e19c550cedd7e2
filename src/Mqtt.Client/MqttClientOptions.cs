using System.Net;
using Microsoft.Extensions.Logging;
using Mqtt.Protocol.Channels;

namespace Mqtt.Client;

/// <summary>
/// How a client connects and what it offers. Immutable: changed copies are made by <see langword="with"/>. Checked once, when the
/// client is made.
/// </summary>
public sealed record MqttClientOptions
{
    /// <summary>
    /// Where the server is, by its scheme: <c>mqtt://host:port</c> or <c>tcp://</c> (port 1883 if none is given); over TLS <c>mqtts://</c>,
    /// <c>tls://</c> or <c>ssl://</c> (8883); over a WebSocket <c>ws://host:port/path</c> (80) and with TLS <c>wss://</c> (443), where the path is
    /// <c>/mqtt</c> if none is given; <c>unix:///path/to/socket</c>. A user name and password in it serve as <see cref="Credentials"/>
    /// (<c>unix://user:password@localhost/path</c>). Default: <c>mqtt://localhost:1883</c>.
    /// </summary>
    public Uri Server { get; init; } = new("mqtt://localhost:1883");

    /// <summary>
    /// Several servers that are one to this client, such as the nodes of a cluster, in place of <see cref="Server"/>. Each attempt to connect tries them in turn,
    /// beginning with the one that accepted last. Default: none, and <see cref="Server"/> is the only one.
    /// </summary>
    public IReadOnlyList<Uri> Servers { get; init; } = [];

    /// <summary>How a lost connection is made again. Default: after 1 s, then in growing intervals of up to a minute, without end.</summary>
    public MqttClientReconnect Reconnect { get; init; } = new();

    /// <summary>
    /// Connects to an end point, the server's or the proxy's, and gives the stream, as that of <c>SocketsHttpHandler</c> does: a
    /// <see cref="System.Net.DnsEndPoint"/>, or a <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/>. The client owns the stream, and puts on it
    /// what the address asks for. Default: a socket, to whichever address of the host answers first.
    /// </summary>
    public Func<EndPoint, CancellationToken, ValueTask<Stream>>? ConnectCallback { get; init; }

    /// <summary>TLS for <c>mqtts://</c> and <c>wss://</c> addresses. Default: the system's authorities and the host of the address, no certificate of our own.</summary>
    public MqttClientTls Tls { get; init; } = new();

    /// <summary>What <c>ws://</c> and <c>wss://</c> addresses need beyond. Default: see there.</summary>
    public MqttClientWebSocket WebSocket { get; init; } = new();

    /// <summary>
    /// The proxy, for every address but that of a socket file: <c>new WebProxy("http://host:port")</c> is asked for a tunnel (CONNECT),
    /// <c>new WebProxy("socks5://host:port")</c> as RFC 1928 says; either resolves the server's name. User name and password are its
    /// <see cref="IWebProxy.Credentials"/>, or stand in its address. Default: none, whatever the environment says.
    /// </summary>
    public IWebProxy? Proxy { get; init; }

    /// <summary>Makes the channel to the server, in place of dialling <see cref="Server"/>: over memory, or any other transport. Default: none.</summary>
    public Func<CancellationToken, ValueTask<MqttChannel>>? ConnectChannel { get; init; }

    /// <summary>The version of the protocol. Default: 5.0.</summary>
    public MqttProtocolVersion ProtocolVersion { get; init; } = MqttProtocolVersion.V500;

    /// <summary>
    /// The client identifier. Default: none, and one is generated that is kept for the client's life. The empty string asks the server
    /// for one (3.x: only with <see cref="CleanStart"/>).
    /// </summary>
    public string? ClientId { get; init; }

    /// <summary>
    /// Begin each connection with a new session. Default: false, so that a connection resumes the session if it still exists. In 3.x a server
    /// keeps a session that was not clean until it is told otherwise: a client that comes once with a generated identifier should begin clean there.
    /// </summary>
    public bool CleanStart { get; init; }

    /// <summary>
    /// How long the session outlives a connection, in whole seconds; <see cref="Timeout.InfiniteTimeSpan"/> means for ever (5.0).
    /// Default: 5 minutes, enough to survive a reconnection.
    /// </summary>
    public TimeSpan SessionExpiry { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>User name and password. Default: none, or those of <see cref="Server"/>.</summary>
    public MqttCredentials? Credentials { get; init; }

    /// <summary>
    /// Asked for user name and password before each attempt to connect, in place of <see cref="Credentials"/>: for tokens that expire. Its time is part of
    /// <see cref="MqttClientTimeouts.Connect"/>, and the token given is cancelled with the attempt. If it fails the attempt does, as if the server could not be reached.
    /// Default: none.
    /// </summary>
    public Func<CancellationToken, ValueTask<MqttCredentials>>? CredentialsCallback { get; init; }

    /// <summary>Enhanced authentication (5.0). Default: none.</summary>
    public MqttAuthentication? Authentication { get; init; }

    /// <summary>The message that the server publishes when the connection ends without a DISCONNECT. Default: none.</summary>
    public MqttWill? Will { get; init; }

    /// <summary>
    /// The longest pause without a packet, in whole seconds up to 65,535; zero turns it off. PINGREQ goes out when for half of it nothing was sent, or
    /// nothing came. A server's own value takes its place. Default: 60 s.
    /// </summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long to wait for what. Default: see there.</summary>
    public MqttClientTimeouts Timeouts { get; init; } = new();

    /// <summary>What is taken in and kept at most. Default: see there.</summary>
    public MqttClientLimits Limits { get; init; } = new();

    /// <summary>How many messages wait to be sent, and what becomes of them without a connection. Default: see there.</summary>
    public MqttClientQueue Queue { get; init; } = new();

    /// <summary>
    /// Asks the server for a basis for response topics (5.0). Requests of this client use it, if the server gives one. Default: false.
    /// </summary>
    public bool RequestResponseInformation { get; init; }

    /// <summary>
    /// The topic below which responses to requests of this client come, where the server gives no basis: <c>response</c> makes it <c>response/client-id</c>. Default:
    /// <c>response</c>.
    /// </summary>
    public string ResponseTopicPrefix { get; init; } = "response";

    /// <summary>Lets the server put reason strings and user properties into every packet (5.0). Default: true.</summary>
    public bool RequestProblemInformation { get; init; } = true;

    /// <summary>Name-value pairs of CONNECT (5.0). Default: none.</summary>
    public UserProperties UserProperties { get; init; }

    /// <summary>What becomes of a message whose handler throws. Default: it is acknowledged.</summary>
    public MqttHandlerFailure HandlerFailure { get; init; }

    /// <summary>What stands in the way of each message, outermost first. Default: none.</summary>
    public IReadOnlyList<MqttInterceptor> Interceptors { get; init; } = [];

    /// <summary>
    /// Ends a first connection that resumes a session of which this client knows nothing, as the strict reading of the standard asks
    /// [MQTT-3.2.2-4]. Default: false: an earlier run of the program has left it, and what it holds is welcome.
    /// </summary>
    public bool RequireKnownSession { get; init; }

    /// <summary>Accepts control characters and non-characters in strings of the server (section 1.5.4). Default: false.</summary>
    public bool AllowDisallowedCodePoints { get; init; }

    /// <summary>The clock of all timeouts. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Where errors of handlers and the ends of connections are logged. Default: nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>Checks every option.</summary>
    /// <exception cref="ArgumentException">An option has a value that cannot be; the message names it.</exception>
    internal MqttClientOptions Validate()
    {
        RequireSomething(Server, nameof(Server));
        RequireSomething(Timeouts, nameof(Timeouts));
        RequireSomething(Limits, nameof(Limits));
        RequireSomething(TimeProvider, nameof(TimeProvider));
        RequireSomething(Servers, nameof(Servers));
        RequireServer(Server, nameof(Server));
        foreach (var server in Servers)
            RequireServer(server, nameof(Servers));
        RequireTransport();
        RequireReconnect();
        RequireSomething(Interceptors, nameof(Interceptors));
        RequireQueue();
        Require(ProtocolVersion is >= MqttProtocolVersion.V310 and <= MqttProtocolVersion.V500, nameof(ProtocolVersion), "there is no such version");
        RequireVersion();
        Require(Credentials is null || CredentialsCallback is null, nameof(CredentialsCallback), "it takes the place of Credentials");
        Require(KeepAlive >= TimeSpan.Zero && KeepAlive <= TimeSpan.FromSeconds(ushort.MaxValue), nameof(KeepAlive), "it is 0 to 65,535 seconds");
        Require(SessionExpiry >= TimeSpan.Zero || SessionExpiry == Timeout.InfiniteTimeSpan, nameof(SessionExpiry), "it is not negative");
        Require(Limits.ReceiveMaximum is >= 1 and <= ushort.MaxValue, "Limits.ReceiveMaximum", "it is 1 to 65,535");
        Require(Limits.TopicAliasMaximum is >= 0 and <= ushort.MaxValue, "Limits.TopicAliasMaximum", "it is 0 to 65,535");
        Require(Limits.OutgoingTopicAliasMaximum is >= 0 and <= ushort.MaxValue, "Limits.OutgoingTopicAliasMaximum", "it is 0 to 65,535");
        Require(Limits.MaximumPacketSizeBytes is null or >= 16, "Limits.MaximumPacketSizeBytes", "it is at least 16 bytes");
        Require(Limits.StreamMessageCount > 0, "Limits.StreamMessageCount", "it is at least 1");
        Require(Limits.StreamBytes > 0, "Limits.StreamBytes", "it is at least 1");
        Require(Limits.ExcessBytes >= 0, "Limits.ExcessBytes", "it is not negative");
        Require(Limits.OutboxBytes > 0, "Limits.OutboxBytes", "it is at least 1");
        RequireTimeout(Timeouts.Connect, "Timeouts.Connect");
        RequireTimeout(Timeouts.PingResponse, "Timeouts.PingResponse");
        RequireTimeout(Timeouts.Acknowledgement, "Timeouts.Acknowledgement");
        RequireTimeout(Timeouts.Response, "Timeouts.Response");
        RequireTimeout(Timeouts.Close, "Timeouts.Close");
        Require(MqttTopic.IsValidName(((MqttString)(ResponseTopicPrefix ?? "")).Span), nameof(ResponseTopicPrefix), $"'{ResponseTopicPrefix}' is no topic name");
        if (Will is not null)
            Require(MqttTopic.IsValidName(Will.Message.Topic.Span), nameof(Will), $"'{Will.Message.Topic}' is no topic name");
        return this;
    }

    /// <summary>Checks user name and password.</summary>
    /// <exception cref="ArgumentException">They cannot be sent; the message names the option they come from.</exception>
    internal static void RequireCredentials(MqttCredentials? credentials, MqttProtocolVersion version, string name) =>
        Require(version == MqttProtocolVersion.V500 || credentials is not { UserName: null, Password: not null }, name, "before 5.0 a password needs a user name");

    private void RequireServer(Uri server, string name)
    {
        RequireSomething(server, name);
        if (ConnectChannel is null)
            RequireAddress(server, name);
    }

    private void RequireTransport()
    {
        RequireSomething(Tls, nameof(Tls));
        TlsOptions.Check(Tls, Require);
        RequireSomething(WebSocket, nameof(WebSocket));
        WebSocketDialer.Check(WebSocket, Require);
        if (Proxy is WebProxy { Address: { } proxy } && ProxyAddress.WhatIsWrongWith(proxy) is { } wrong)
            Require(false, nameof(Proxy), wrong);
    }

    private void RequireReconnect()
    {
        RequireSomething(Reconnect, nameof(Reconnect));
        RequireSomething(Reconnect.AllowedReferences, "Reconnect.AllowedReferences");
        Require(Reconnect.Delay > TimeSpan.Zero && Reconnect.Delay <= MqttClientReconnect.LongestDelay, "Reconnect.Delay", "it is longer than zero, up to a day");
        Require(Reconnect.MaximumDelay >= Reconnect.Delay && Reconnect.MaximumDelay <= MqttClientReconnect.LongestDelay, "Reconnect.MaximumDelay", "it is at least Delay, up to a day");
        Require(Reconnect.MaxAttempts is null or > 0, "Reconnect.MaxAttempts", "it is at least 1");
    }

    private void RequireQueue()
    {
        RequireSomething(Queue, nameof(Queue));
        Require(Queue.Count > 0, "Queue.Count", "it is at least 1");
        Require(Queue.Bytes > 0, "Queue.Bytes", "it is at least 1");
        Require(Queue.Store is null || !string.IsNullOrEmpty(ClientId), "Queue.Store", "a queue that outlives the program needs a ClientId of its own");
        Require(Enum.IsDefined(Queue.AtMostOnce), "Queue.AtMostOnce", "there is no such policy");
        Require(Enum.IsDefined(Queue.Acknowledged), "Queue.Acknowledged", "there is no such policy");
    }

    private void RequireVersion()
    {
        if (ProtocolVersion == MqttProtocolVersion.V500)
            return;
        Require(ClientId is not "" || CleanStart, nameof(ClientId), "before 5.0 only a clean start may leave the identifier to the server");
        Require(ClientId is not "" || ProtocolVersion != MqttProtocolVersion.V310, nameof(ClientId), "3.1 needs an identifier");
        RequireCredentials(Credentials, ProtocolVersion, nameof(Credentials));
        Require(Authentication is null, nameof(Authentication), "it needs 5.0");
    }

    private static void RequireAddress(Uri server, string name)
    {
        try
        {
            ServerAddress.Parse(server);
        }
        catch (FormatException wrong)
        {
            Require(false, name, wrong.Message);
        }
    }

    private static void RequireSomething(object? value, string name) => Require(value is not null, name, "it is missing");

    private static void RequireTimeout(TimeSpan value, string name) =>
        Require(value > TimeSpan.Zero || value == Timeout.InfiniteTimeSpan, name, "it is longer than zero");

    private static void Require(bool condition, string name, string why)
    {
        if (!condition)
            throw new ArgumentException($"{nameof(MqttClientOptions)}.{name} cannot be used: {why}.", name);
    }
}
