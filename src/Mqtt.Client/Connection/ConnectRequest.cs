namespace Mqtt.Client;

/// <summary>Makes CONNECT from the options.</summary>
internal static class ConnectRequest
{
    public static ConnectPacket Build(MqttClientOptions options, Uri server, string clientId, MqttCredentials? credentials)
    {
        var packet = new ConnectPacket
        {
            Version = options.ProtocolVersion,
            ClientId = clientId,
            CleanStart = options.CleanStart,
            KeepAliveSeconds = (ushort)Seconds.FromTimeSpan(options.KeepAlive),
        };
        credentials ??= CredentialsOf(server);
        if (credentials?.UserName is { } userName)
            packet.UserName = userName;
        packet.Password = credentials?.Password;
        if (options.Will is { } will)
            packet.Will = BuildWill(will, options.ProtocolVersion);
        if (options.ProtocolVersion == MqttProtocolVersion.V500)
            AddProperties(packet, options);
        return packet;
    }

    private static void AddProperties(ConnectPacket packet, MqttClientOptions options)
    {
        // What equals the standard's default is left out.
        packet.SessionExpiryInterval = NotZero(Seconds.FromTimeSpan(options.SessionExpiry));
        packet.ReceiveMaximum = options.Limits.ReceiveMaximum < ushort.MaxValue ? (ushort)options.Limits.ReceiveMaximum : null;
        packet.MaximumPacketSize = (uint?)options.Limits.MaximumPacketSizeBytes;
        packet.TopicAliasMaximum = (ushort?)NotZero((uint)options.Limits.TopicAliasMaximum);
        packet.RequestResponseInformation = options.RequestResponseInformation ? true : null;
        packet.RequestProblemInformation = options.RequestProblemInformation ? null : false;
        packet.UserProperties = options.UserProperties;
        if (options.Authentication is { } authentication)
            packet.AuthenticationMethod = authentication.Method; // The connection adds the data, which may be new each time.
    }

    private static WillMessage BuildWill(MqttWill will, MqttProtocolVersion version)
    {
        var packet = new WillMessage
        {
            Topic = will.Message.Topic,
            Payload = will.Message.Payload,
            QualityOfService = will.Message.QualityOfService,
            Retain = will.Message.Retain,
        };
        if (version != MqttProtocolVersion.V500)
            return packet;
        packet.Properties = will.Message.Properties;
        packet.DelayInterval = NotZero(Seconds.FromTimeSpan(will.Delay));
        return packet;
    }

    private static MqttCredentials? CredentialsOf(Uri server)
    {
        if (!server.IsAbsoluteUri || server.UserInfo.Length == 0)
            return null;
        var parts = server.UserInfo.Split(':', 2);
        return new MqttCredentials(Uri.UnescapeDataString(parts[0]), parts.Length == 2 ? Uri.UnescapeDataString(parts[1]) : null);
    }

    private static uint? NotZero(uint value) => value == 0 ? null : value;
}
