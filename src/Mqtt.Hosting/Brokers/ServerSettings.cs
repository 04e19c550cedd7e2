namespace Mqtt.Hosting;

/// <summary>Reads the options of a server from the configuration. By hand, as those of a client.</summary>
internal static class ServerSettings
{
    public static MqttServerOptions Apply(SettingsReader settings, MqttServerOptions options)
    {
        var result = options with
        {
            Addresses = settings.List(nameof(options.Addresses)) ?? options.Addresses,
            Tls = settings.Section(nameof(options.Tls)) is { } tls ? Tls(tls, options.Tls ?? new()) : options.Tls,
            WebSocket = settings.Section(nameof(options.WebSocket)) is { } webSocket ? WebSocket(webSocket, options.WebSocket) : options.WebSocket,
            EventLoops = settings.Number(nameof(options.EventLoops), options.EventLoops),
            Limits = settings.Section(nameof(options.Limits)) is { } limits ? Limits(limits, options.Limits) : options.Limits,
            MaximumConnections = settings.Number(nameof(options.MaximumConnections), options.MaximumConnections),
            UnauthenticatedBytes = settings.Number(nameof(options.UnauthenticatedBytes), options.UnauthenticatedBytes),
            MemoryBytes = settings.Number(nameof(options.MemoryBytes), options.MemoryBytes),
            PassiveDisconnect = settings.Flag(nameof(options.PassiveDisconnect), options.PassiveDisconnect),
            StopTimeout = settings.Time(nameof(options.StopTimeout), options.StopTimeout),
        };
        settings.RequireNothingElse();
        return result;
    }

    private static MqttServerTls Tls(SettingsReader settings, MqttServerTls tls)
    {
        var result = tls with
        {
            CertificateFile = settings.Text(nameof(tls.CertificateFile)) ?? tls.CertificateFile,
            KeyFile = settings.Text(nameof(tls.KeyFile)) ?? tls.KeyFile,
            Password = settings.Text(nameof(tls.Password)) ?? tls.Password,
        };
        settings.RequireNothingElse();
        return result;
    }

    private static MqttServerWebSocket WebSocket(SettingsReader settings, MqttServerWebSocket webSocket)
    {
        var result = webSocket with
        {
            AllowedOrigins = settings.List(nameof(webSocket.AllowedOrigins)) ?? webSocket.AllowedOrigins,
            RequireSubprotocol = settings.Flag(nameof(webSocket.RequireSubprotocol), webSocket.RequireSubprotocol),
            MaximumRequestBytes = settings.Number(nameof(webSocket.MaximumRequestBytes), webSocket.MaximumRequestBytes),
        };
        settings.RequireNothingElse();
        return result;
    }

    private static MqttConnectionLimits Limits(SettingsReader settings, MqttConnectionLimits limits)
    {
        var result = limits with
        {
            MaximumPacketBytes = settings.Number(nameof(limits.MaximumPacketBytes), limits.MaximumPacketBytes),
            MaximumConnectBytes = settings.Number(nameof(limits.MaximumConnectBytes), limits.MaximumConnectBytes),
            ConnectTimeout = settings.Time(nameof(limits.ConnectTimeout), limits.ConnectTimeout),
            OutboxBytes = settings.Number(nameof(limits.OutboxBytes), limits.OutboxBytes),
            SendTimeout = settings.Time(nameof(limits.SendTimeout), limits.SendTimeout),
            LingerTimeout = settings.Time(nameof(limits.LingerTimeout), limits.LingerTimeout),
            AllowDisallowedCodePoints = settings.Flag(nameof(limits.AllowDisallowedCodePoints), limits.AllowDisallowedCodePoints),
        };
        settings.RequireNothingElse();
        return result;
    }
}
