using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Http;

/// <summary>Lets Kestrel accept the connections that the hub hands over, and nothing else.</summary>
public sealed class HandedOverListenerFactory(HandedOverInbox inbox, ILogger log)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is HandedOverEndPoint;

    /// <inheritdoc/>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        CanBind(endpoint)
            ? ValueTask.FromResult<IConnectionListener>(new Listener(endpoint, inbox, log))
            : throw new NotSupportedException($"The public port belongs to the hub; Kestrel may not bind {endpoint}.");

    private sealed class Listener(EndPoint endpoint, HandedOverInbox inbox, ILogger log) : IConnectionListener
    {
        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (await inbox.TakeAsync(cancellationToken).ConfigureAwait(false) is { } connection)
            {
                try
                {
                    return new HandedOverConnection(connection);
                }
                catch (Exception gone) when (gone is SocketException or IOException)
                {
                    // The peer left between the hub's read and ours. That is its right, and no reason to stop accepting.
                    log.Debug(gone, "A connection handed over by the hub was already gone: {Remote}", connection.Remote);
                }
            }

            return null;
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            inbox.End();
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => UnbindAsync();
    }
}
