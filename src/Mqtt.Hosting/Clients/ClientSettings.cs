using System.Net;
using System.Security.Authentication;

namespace Mqtt.Hosting;

/// <summary>Reads the options of a client from the configuration. By hand: the options are immutable, and a key that means nothing is to be told.</summary>
internal static class ClientSettings
{
    public static MqttClientOptions Apply(SettingsReader settings, MqttClientOptions options, ClientRegistration registration)
    {
        registration.WaitsForConnection = settings.Flag(nameof(MqttClientBuilder.WaitForConnection), registration.WaitsForConnection);
        var result = options with
        {
            Server = settings.Address(nameof(options.Server), options.Server),
            Servers = settings.Addresses(nameof(options.Servers), options.Servers),
            Tls = settings.Section(nameof(options.Tls)) is { } tls ? Tls(tls, options.Tls) : options.Tls,
            WebSocket = settings.Section(nameof(options.WebSocket)) is { } webSocket ? WebSocket(webSocket, options.WebSocket) : options.WebSocket,
            Proxy = settings.Text(nameof(options.Proxy)) is null ? options.Proxy : new WebProxy(settings.Address(nameof(options.Proxy), options.Server)),
            Reconnect = settings.Section(nameof(options.Reconnect)) is { } reconnect ? Reconnect(reconnect, options.Reconnect) : options.Reconnect,
            ProtocolVersion = settings.Version(nameof(options.ProtocolVersion), options.ProtocolVersion),
            ClientId = settings.Text(nameof(options.ClientId)) ?? options.ClientId,
            CleanStart = settings.Flag(nameof(options.CleanStart), options.CleanStart),
            SessionExpiry = settings.Time(nameof(options.SessionExpiry), options.SessionExpiry),
            Credentials = Credentials(settings, options.Credentials),
            Will = settings.Section(nameof(options.Will)) is { } will ? Will(will) : options.Will,
            KeepAlive = settings.Time(nameof(options.KeepAlive), options.KeepAlive),
            Timeouts = settings.Section(nameof(options.Timeouts)) is { } timeouts ? Timeouts(timeouts, options.Timeouts) : options.Timeouts,
            Limits = settings.Section(nameof(options.Limits)) is { } limits ? Limits(limits, options.Limits) : options.Limits,
            Queue = settings.Section(nameof(options.Queue)) is { } queue ? Queue(queue, options.Queue) : options.Queue,
            RequestResponseInformation = settings.Flag(nameof(options.RequestResponseInformation), options.RequestResponseInformation),
            ResponseTopicPrefix = settings.Text(nameof(options.ResponseTopicPrefix)) ?? options.ResponseTopicPrefix,
            RequestProblemInformation = settings.Flag(nameof(options.RequestProblemInformation), options.RequestProblemInformation),
            HandlerFailure = settings.Choice(nameof(options.HandlerFailure), options.HandlerFailure),
            RequireKnownSession = settings.Flag(nameof(options.RequireKnownSession), options.RequireKnownSession),
            AllowDisallowedCodePoints = settings.Flag(nameof(options.AllowDisallowedCodePoints), options.AllowDisallowedCodePoints),
        };
        settings.RequireNothingElse();
        return result;
    }

    private static MqttClientTls Tls(SettingsReader settings, MqttClientTls tls)
    {
        var result = tls with
        {
            CertificateFile = settings.Text(nameof(tls.CertificateFile)) ?? tls.CertificateFile,
            KeyFile = settings.Text(nameof(tls.KeyFile)) ?? tls.KeyFile,
            Password = settings.Text(nameof(tls.Password)) ?? tls.Password,
            TrustedFile = settings.Text(nameof(tls.TrustedFile)) ?? tls.TrustedFile,
            TargetHost = settings.Text(nameof(tls.TargetHost)) ?? tls.TargetHost,
            ApplicationProtocols = settings.List(nameof(tls.ApplicationProtocols)) ?? tls.ApplicationProtocols,
            EnabledProtocols = settings.OneOf(nameof(tls.EnabledProtocols), tls.EnabledProtocols, new()
            {
                ["Tls12"] = SslProtocols.Tls12,
                ["Tls13"] = SslProtocols.Tls13,
                ["Tls12, Tls13"] = SslProtocols.Tls12 | SslProtocols.Tls13,
            }),
            RevocationMode = settings.Choice(nameof(tls.RevocationMode), tls.RevocationMode),
            DangerousAcceptAnyCertificate = settings.Flag(nameof(tls.DangerousAcceptAnyCertificate), tls.DangerousAcceptAnyCertificate),
        };
        settings.RequireNothingElse();
        return result;
    }

    private static MqttClientWebSocket WebSocket(SettingsReader settings, MqttClientWebSocket webSocket)
    {
        var result = webSocket with { RequestHeaders = settings.Texts(nameof(webSocket.RequestHeaders)) ?? webSocket.RequestHeaders };
        settings.RequireNothingElse();
        return result;
    }

    private static MqttCredentials? Credentials(SettingsReader settings, MqttCredentials? otherwise)
    {
        var (userName, password) = (settings.Text(nameof(MqttCredentials.UserName)), settings.Text(nameof(MqttCredentials.Password)));
        return userName is null && password is null ? otherwise : new MqttCredentials(userName, password);
    }

    private static MqttWill Will(SettingsReader settings)
    {
        var message = new MqttMessage(settings.Text(nameof(MqttMessage.Topic)) ?? "", settings.Text(nameof(MqttMessage.Payload)) ?? "")
        {
            QualityOfService = settings.Choice(nameof(MqttMessage.QualityOfService), QualityOfService.AtMostOnce),
            Retain = settings.Flag(nameof(MqttMessage.Retain), false),
        };
        var will = new MqttWill(message) { Delay = settings.Time(nameof(MqttWill.Delay), TimeSpan.Zero) };
        settings.RequireNothingElse();
        return will;
    }

    private static MqttClientReconnect Reconnect(SettingsReader settings, MqttClientReconnect reconnect)
    {
        var result = reconnect with
        {
            Enabled = settings.Flag(nameof(reconnect.Enabled), reconnect.Enabled),
            RetryFirstConnect = settings.Flag(nameof(reconnect.RetryFirstConnect), reconnect.RetryFirstConnect),
            Delay = settings.Time(nameof(reconnect.Delay), reconnect.Delay),
            MaximumDelay = settings.Time(nameof(reconnect.MaximumDelay), reconnect.MaximumDelay),
            MaxAttempts = settings.Number(nameof(reconnect.MaxAttempts), reconnect.MaxAttempts),
            AllowedReferences = settings.List(nameof(reconnect.AllowedReferences)) ?? reconnect.AllowedReferences,
        };
        settings.RequireNothingElse();
        return result;
    }

    private static MqttClientQueue Queue(SettingsReader settings, MqttClientQueue queue)
    {
        var result = queue with
        {
            Count = settings.Number(nameof(queue.Count), queue.Count),
            Bytes = settings.Number(nameof(queue.Bytes), queue.Bytes),
            AtMostOnce = settings.Choice(nameof(queue.AtMostOnce), queue.AtMostOnce),
            Acknowledged = settings.Choice(nameof(queue.Acknowledged), queue.Acknowledged),
        };
        settings.RequireNothingElse();
        return result;
    }

    private static MqttClientTimeouts Timeouts(SettingsReader settings, MqttClientTimeouts timeouts)
    {
        var result = timeouts with
        {
            Connect = settings.Time(nameof(timeouts.Connect), timeouts.Connect),
            PingResponse = settings.Time(nameof(timeouts.PingResponse), timeouts.PingResponse),
            Acknowledgement = settings.Time(nameof(timeouts.Acknowledgement), timeouts.Acknowledgement),
            Response = settings.Time(nameof(timeouts.Response), timeouts.Response),
            Close = settings.Time(nameof(timeouts.Close), timeouts.Close),
        };
        settings.RequireNothingElse();
        return result;
    }

    private static MqttClientLimits Limits(SettingsReader settings, MqttClientLimits limits)
    {
        var result = limits with
        {
            ReceiveMaximum = settings.Number(nameof(limits.ReceiveMaximum), limits.ReceiveMaximum),
            MaximumPacketSizeBytes = settings.Number(nameof(limits.MaximumPacketSizeBytes), limits.MaximumPacketSizeBytes),
            TopicAliasMaximum = settings.Number(nameof(limits.TopicAliasMaximum), limits.TopicAliasMaximum),
            OutgoingTopicAliasMaximum = settings.Number(nameof(limits.OutgoingTopicAliasMaximum), limits.OutgoingTopicAliasMaximum),
            StreamMessageCount = settings.Number(nameof(limits.StreamMessageCount), limits.StreamMessageCount),
            StreamBytes = settings.Number(nameof(limits.StreamBytes), limits.StreamBytes),
            ExcessBytes = settings.Number(nameof(limits.ExcessBytes), limits.ExcessBytes),
            OutboxBytes = settings.Number(nameof(limits.OutboxBytes), limits.OutboxBytes),
        };
        settings.RequireNothingElse();
        return result;
    }
}
