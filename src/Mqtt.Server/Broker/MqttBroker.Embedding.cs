using Mqtt.Protocol;
using Mqtt.Server.Broker;

namespace Mqtt.Server;

// What the program that has the broker may do with it.
public sealed partial class MqttBroker
{
    /// <summary>Connects a client that lives in this process.</summary>
    /// <param name="clientId">Its identifier; empty to be assigned one. A client of the same name is taken over, as always.</param>
    /// <param name="options">How it connects. Default: with all rights and a session that ends with it.</param>
    /// <param name="cancellationToken">Gives up; there is no client then.</param>
    /// <exception cref="BrokerRefusedException">The broker refused, with the reason.</exception>
    /// <exception cref="MqttConnectionException">There is no room for another connection.</exception>
    /// <exception cref="ObjectDisposedException">The broker has ended.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async ValueTask<InProcessClient> ConnectAsync(string clientId, InProcessClientOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(clientId);
        options ??= new InProcessClientOptions();
        options.Validate();
        var client = new InProcessClient(clientId, options, this.options, Statistics, inProcess);
        await client.ConnectAsync(cancellationToken).ConfigureAwait(false);
        return client;
    }
}
