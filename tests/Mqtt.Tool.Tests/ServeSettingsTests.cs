using System.Reflection;
using Mqtt.Server;
using Mqtt.Server.Broker;
using Mqtt.Tool.CommandLine;
using Mqtt.Tool.Serve;

namespace Mqtt.Tool.Tests;

public class ServeSettingsTests
{
    public static TheoryData<string> Bounds => [.. BoundsOf(typeof(MqttServerOptions)), .. BoundsOf(typeof(MqttServerWebSocket)), .. BoundsOf(typeof(MqttConnectionLimits)), .. BoundsOf(typeof(MqttBrokerOptions)), .. BoundsOf(typeof(ClientLimits))];

    [Theory, MemberData(nameof(Bounds))]
    public void Every_bound_has_a_flag(string bound)
    {
        var defaults = Show(new ServeSettings(), bound);

        var changed = new ServeSettings().Flags.Where(flag => flag.Value is not null).Any(flag => Changes(flag.Name, "77", bound, defaults) || Changes(flag.Name, "7777", bound, defaults));

        changed.Should().BeTrue($"{bound} is {defaults}, and no flag changes that");
    }

    [Theory]
    [InlineData("--max-packet 64K", "ClientLimits.MaximumPacketBytes", "65536")]
    [InlineData("--max-packet 64K", "Limits.MaximumPacketBytes", "65536")]
    [InlineData("--max-packet off", "ClientLimits.MaximumPacketBytes", "268435460")]
    [InlineData("--max-connections 10", "Server.MaximumConnections", "10")]
    [InlineData("--max-connections off", "Server.MaximumConnections", "")]
    [InlineData("--session-expiry 1h", "ClientLimits.MaximumSessionExpiry", "01:00:00")]
    [InlineData("--session-expiry off", "ClientLimits.MaximumSessionExpiry", "")]
    [InlineData("--queue-count 1", "ClientLimits.QueueCount", "1")]
    [InlineData("--publisher-pause off", "Broker.PublisherPause", "00:00:00")]
    [InlineData("--sys-interval off", "Broker.SystemInterval", "00:00:00")]
    [InlineData("--queue-count off", "ClientLimits.QueueCount", "2147483647")]
    [InlineData("--queue-bytes off", "ClientLimits.QueueBytes", "9223372036854775807")]
    [InlineData("--memory-bytes 1G", "Broker.MemoryBytes", "1073741824")]
    [InlineData("--memory-bytes 1G", "Server.MemoryBytes", "1073741824")]
    [InlineData("--outbox off", "Limits.OutboxBytes", "2147483647")]
    [InlineData("--topic-alias-maximum off", "ClientLimits.TopicAliasMaximum", "0")]
    [InlineData("--ws-max-request 16K", "ServerWebSocket.MaximumRequestBytes", "16384")]
    [InlineData("--ws-require-subprotocol", "ServerWebSocket.RequireSubprotocol", "True")]
    [InlineData("--send-timeout 90s", "Limits.SendTimeout", "00:01:30")]
    [InlineData("--allow-disallowed-code-points", "Limits.AllowDisallowedCodePoints", "True")]
    public void A_flag_sets_its_bound(string line, string bound, string expected)
    {
        var settings = new ServeSettings();

        settings.Flags.Read(line.Split(' '));

        Show(settings, bound).Should().Be(expected);
    }

    [Theory]
    [InlineData("", "mqtt://localhost:1883")]
    [InlineData("-p 18", "mqtt://localhost:18")]
    [InlineData("--host 0.0.0.0", "mqtt://0.0.0.0:1883")]
    [InlineData("--host :: -p 0", "mqtt://[::]:0")]
    [InlineData("--host [::1]", "mqtt://[::1]:1883")]
    [InlineData("--listen mqtt://a:1 --listen mqtts://b:2", "mqtt://a:1 mqtts://b:2")]
    [InlineData("--listen ws://a:1/mqtt --listen wss://b:2/x", "ws://a:1/mqtt wss://b:2/x")]
    [InlineData("-p 3 --listen mqtt://a:1", "mqtt://localhost:3 mqtt://a:1")]
    public void The_addresses_are_those_of_the_flags(string line, string expected)
    {
        var settings = new ServeSettings();

        settings.Flags.Read(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));

        string.Join(' ', settings.Server.Addresses).Should().Be(expected);
    }

    [Theory]
    [InlineData("--receive-maximum 0")]
    [InlineData("--receive-maximum 65536")]
    [InlineData("--max-packet 15")]
    [InlineData("--max-packet 300M")]
    [InlineData("--outbox 1023")]
    [InlineData("--connect-timeout 0")]
    [InlineData("--ws-max-request 255")]
    [InlineData("--ws-max-request 2M")]
    [InlineData("--max-connections 0")]
    [InlineData("-p 65536")]
    [InlineData("-p -1")]
    public void A_value_out_of_range_is_refused_by_its_flag(string line)
    {
        var read = () => new ServeSettings().Flags.Read(line.Split(' '));

        read.Should().Throw<UsageException>().WithMessage($"{line}: *");
    }

    [Theory]
    [InlineData("--receive-maximum 1 --inflight 1 --inflight3 1 --topic-alias-maximum 0 --max-packet 16 --max-connect 16 --outbox 1K")]
    [InlineData("--queue-count 1 --queue-bytes 0 --session-expiry 0 --linger-timeout 0 --stop-timeout 0 --memory-bytes 1 --unauthenticated-bytes 1 --event-loops 0")]
    [InlineData("--receive-maximum 65535 --inflight 65535 --inflight3 65535 --topic-alias-maximum 65535 --max-connections 1 --connect-timeout 1ms")]
    public async Task The_libraries_accept_whatever_the_flags_accept(string line)
    {
        var settings = new ServeSettings();
        settings.Flags.Read(line.Split(' '));

        await using var broker = new MqttBroker(settings.Broker);
        await using var server = new MqttServer(broker, settings.Server);

        server.Endpoints.Should().BeEmpty();
    }

    private static bool Changes(string flag, string value, string bound, string defaults)
    {
        var settings = new ServeSettings();
        try
        {
            settings.Flags.Read([$"--{flag}", value]);
        }
        catch (UsageException)
        {
            return false;
        }

        return Show(settings, bound) != defaults;
    }

    // A bound is what has a size, a number or a length of time.
    private static IEnumerable<string> BoundsOf(Type options) =>
        from property in options.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        let type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType
        where type == typeof(int) || type == typeof(long) || type == typeof(TimeSpan)
        where !property.Name.Contains("Hook", StringComparison.Ordinal) // The tool has no hooks.
        select $"{options.Name.Replace("Mqtt", "").Replace("Options", "").Replace("Connection", "")}.{property.Name}";

    private static string Show(ServeSettings settings, string bound)
    {
        var (part, name) = bound.Split('.') is [var first, var second] ? (first, second) : throw new ArgumentException(bound);
        object options = part switch
        {
            "Server" => settings.Server,
            "ServerWebSocket" => settings.Server.WebSocket,
            "Limits" => settings.Server.Limits,
            "ClientLimits" => settings.Broker.Limits,
            _ => settings.Broker,
        };
        return $"{options.GetType().GetProperty(name)!.GetValue(options)}";
    }
}
