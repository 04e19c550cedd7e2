using Mqtt.Server.Broker;
using Mqtt.Server.Broker.Sharing;

namespace Mqtt.Hosting;

/// <summary>Reads the options of a broker from the configuration. By hand, as those of a client.</summary>
internal static class BrokerSettings
{
    private const string Server = nameof(Server);
    private const string Broker = nameof(Broker);

    public static MqttServerOptions Apply(SettingsReader settings, MqttServerOptions options) =>
        Part(settings, Server) is { } part ? ServerSettings.Apply(part, options) : options;

    public static MqttBrokerOptions Apply(SettingsReader settings, MqttBrokerOptions options)
    {
        if (Part(settings, Broker) is not { } part)
            return options;
        var result = options with
        {
            Name = part.Text(nameof(options.Name)) ?? options.Name,
            Limits = part.Section(nameof(options.Limits)) is { } limits ? Limits(limits, options.Limits) : options.Limits,
            MinimumVersion = part.Version(nameof(options.MinimumVersion), options.MinimumVersion),
            AssignClientIds = part.Flag(nameof(options.AssignClientIds), options.AssignClientIds),
            Authentication = part.Section(nameof(options.Authentication)) is { } authentication ? Authentication(authentication, options.Authentication) : options.Authentication,
            ResponseInformation = part.Text(nameof(options.ResponseInformation)) ?? options.ResponseInformation,
            ReservedRoots = part.List(nameof(options.ReservedRoots)) ?? options.ReservedRoots,
            CheckPayloadFormat = part.Flag(nameof(options.CheckPayloadFormat), options.CheckPayloadFormat),
            TellNoSubscribers = part.Flag(nameof(options.TellNoSubscribers), options.TellNoSubscribers),
            CopyPerSubscription = part.Flag(nameof(options.CopyPerSubscription), options.CopyPerSubscription),
            MaximumMessageExpiry = part.Time(nameof(options.MaximumMessageExpiry), options.MaximumMessageExpiry),
            MaximumRetained = part.Number(nameof(options.MaximumRetained), options.MaximumRetained),
            MaximumRetainedBytes = part.Number(nameof(options.MaximumRetainedBytes), options.MaximumRetainedBytes),
            RetryIntervals = part.Times(nameof(options.RetryIntervals)) ?? options.RetryIntervals,
            InFlightExpiry = part.Time(nameof(options.InFlightExpiry), options.InFlightExpiry),
            Compatibility = part.Section(nameof(options.Compatibility)) is { } compatibility ? Compatibility(compatibility, options.Compatibility) : options.Compatibility,
            PublisherPause = part.Time(nameof(options.PublisherPause), options.PublisherPause),
            MemoryBytes = part.Number(nameof(options.MemoryBytes), options.MemoryBytes),
            SharedPick = Pick(part, options.SharedPick),
            SharedMovesOnConnectionLoss = part.Flag(nameof(options.SharedMovesOnConnectionLoss), options.SharedMovesOnConnectionLoss),
            TakeoversPerMinute = part.Number(nameof(options.TakeoversPerMinute), options.TakeoversPerMinute),
            SystemInterval = part.Time(nameof(options.SystemInterval), options.SystemInterval),
            ConnectionNotices = part.Flag(nameof(options.ConnectionNotices), options.ConnectionNotices),
            PointToPointParents = part.List(nameof(options.PointToPointParents)) ?? options.PointToPointParents,
            HookQueueCount = part.Number(nameof(options.HookQueueCount), options.HookQueueCount),
            SlowHookTime = part.Time(nameof(options.SlowHookTime), options.SlowHookTime),
            StopTimeout = part.Time(nameof(options.StopTimeout), options.StopTimeout),
            RefusesForbiddenWills = part.Flag(nameof(options.RefusesForbiddenWills), options.RefusesForbiddenWills),
        };
        part.RequireNothingElse();
        return result;
    }

    // One of the two parts of the section; there may be no third.
    private static SettingsReader? Part(SettingsReader settings, string name)
    {
        var (server, broker) = (settings.Section(Server), settings.Section(Broker));
        settings.RequireNothingElse();
        return name == Server ? server : broker;
    }

    private static ISharedPick Pick(SettingsReader settings, ISharedPick otherwise) => settings.OneOf(nameof(MqttBrokerOptions.SharedPick), otherwise, new()
    {
        [nameof(SharedPick.RoundRobin)] = SharedPick.RoundRobin,
        [nameof(SharedPick.Random)] = SharedPick.Random,
        [nameof(SharedPick.Sticky)] = SharedPick.Sticky,
        [nameof(SharedPick.TopicHash)] = SharedPick.TopicHash,
    });

    private static BrokerAuthentication Authentication(SettingsReader settings, BrokerAuthentication authentication)
    {
        var result = authentication with
        {
            AllowUndecided = settings.Flag(nameof(authentication.AllowUndecided), authentication.AllowUndecided),
            BindClientIds = settings.Flag(nameof(authentication.BindClientIds), authentication.BindClientIds),
            Timeout = settings.Time(nameof(authentication.Timeout), authentication.Timeout),
            MaximumSteps = settings.Number(nameof(authentication.MaximumSteps), authentication.MaximumSteps),
            MaximumBytes = settings.Number(nameof(authentication.MaximumBytes), authentication.MaximumBytes),
        };
        settings.RequireNothingElse();
        return result;
    }

    private static BrokerCompatibility Compatibility(SettingsReader settings, BrokerCompatibility compatibility)
    {
        var result = compatibility with
        {
            HideNotAuthorized = settings.Flag(nameof(compatibility.HideNotAuthorized), compatibility.HideNotAuthorized),
            AlwaysSendResponseInformation = settings.Flag(nameof(compatibility.AlwaysSendResponseInformation), compatibility.AlwaysSendResponseInformation),
            CloseOnRefusedPublish = settings.Flag(nameof(compatibility.CloseOnRefusedPublish), compatibility.CloseOnRefusedPublish),
            RestoreStatistics = settings.Flag(nameof(compatibility.RestoreStatistics), compatibility.RestoreStatistics),
        };
        settings.RequireNothingElse();
        return result;
    }

    private static ClientLimits Limits(SettingsReader settings, ClientLimits limits)
    {
        var result = limits with
        {
            MaximumSessionExpiry = settings.Time(nameof(limits.MaximumSessionExpiry), limits.MaximumSessionExpiry),
            MaximumKeepAlive = settings.Time(nameof(limits.MaximumKeepAlive), limits.MaximumKeepAlive),
            MaximumPacketBytes = settings.Number(nameof(limits.MaximumPacketBytes), limits.MaximumPacketBytes),
            MaximumQualityOfService = settings.Choice(nameof(limits.MaximumQualityOfService), limits.MaximumQualityOfService),
            ReceiveMaximum = settings.Number(nameof(limits.ReceiveMaximum), limits.ReceiveMaximum),
            InFlightMaximum = settings.Number(nameof(limits.InFlightMaximum), limits.InFlightMaximum),
            InFlightMaximum3 = settings.Number(nameof(limits.InFlightMaximum3), limits.InFlightMaximum3),
            TopicAliasMaximum = settings.Number(nameof(limits.TopicAliasMaximum), limits.TopicAliasMaximum),
            OutgoingTopicAliasMaximum = settings.Number(nameof(limits.OutgoingTopicAliasMaximum), limits.OutgoingTopicAliasMaximum),
            OutgoingTopicAliasPolicy = settings.Choice(nameof(limits.OutgoingTopicAliasPolicy), limits.OutgoingTopicAliasPolicy),
            RetainAvailable = settings.Flag(nameof(limits.RetainAvailable), limits.RetainAvailable),
            WildcardSubscriptionAvailable = settings.Flag(nameof(limits.WildcardSubscriptionAvailable), limits.WildcardSubscriptionAvailable),
            SharedSubscriptionAvailable = settings.Flag(nameof(limits.SharedSubscriptionAvailable), limits.SharedSubscriptionAvailable),
            SubscriptionIdentifierAvailable = settings.Flag(nameof(limits.SubscriptionIdentifierAvailable), limits.SubscriptionIdentifierAvailable),
            MaximumSubscriptions = settings.Number(nameof(limits.MaximumSubscriptions), limits.MaximumSubscriptions),
            QueueCount = settings.Number(nameof(limits.QueueCount), limits.QueueCount),
            QueueBytes = settings.Number(nameof(limits.QueueBytes), limits.QueueBytes),
            QueuePolicy = settings.Choice(nameof(limits.QueuePolicy), limits.QueuePolicy),
            QueueQoS0 = settings.Flag(nameof(limits.QueueQoS0), limits.QueueQoS0),
        };
        settings.RequireNothingElse();
        return result;
    }
}
