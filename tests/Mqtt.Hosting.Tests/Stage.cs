using System.Threading.Channels;

namespace Mqtt.Hosting.Tests;

/// <summary>A host with whatever a test adds to it, and the scripted servers that its clients meet: one for each connection, over memory.</summary>
public sealed class Stage : IAsyncDisposable
{
    private readonly Channel<ScriptedPeer> dialled = Channel.CreateUnbounded<ScriptedPeer>();
    private readonly List<ScriptedPeer> servers = [];
    private IHost? host;

    public HostApplicationBuilder Builder { get; } = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new());

    public IServiceCollection Services => Builder.Services;

    public IHost Host => host ??= Builder.Build();

    /// <summary>A section "Mqtt" of the configuration with these keys below it.</summary>
    public IConfigurationSection Section(params (string Key, string Value)[] settings)
    {
        Builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create($"Mqtt:{setting.Key}", (string?)setting.Value)));
        return Builder.Configuration.GetSection("Mqtt");
    }

    /// <summary>Lets a client dial a scripted server.</summary>
    public MqttClientOptions Dial(MqttClientOptions options) => options with
    {
        ConnectChannel = _ =>
        {
            var (ours, theirs) = MemoryChannel.CreatePair();
            dialled.Writer.TryWrite(new ScriptedPeer(theirs, MqttSender.Server));
            return new(ours);
        },
    };

    /// <summary>The server of the next connection.</summary>
    public async Task<ScriptedPeer> DialledAsync()
    {
        var server = await dialled.Reader.ReadAsync().Soon();
        servers.Add(server);
        return server;
    }

    public T Get<T>()
        where T : notnull => Host.Services.GetRequiredService<T>();

    public T Get<T>(string name)
        where T : notnull => Host.Services.GetRequiredKeyedService<T>(name);

    public async ValueTask DisposeAsync()
    {
        foreach (var server in servers)
            server.Abort();
        await ((IAsyncDisposable)Host).DisposeAsync();
        foreach (var server in servers)
            await server.DisposeAsync();
    }
}
