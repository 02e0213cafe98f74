using System.Net;
using System.Net.Sockets;
using Broker.Reactor.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Broker.Host.Http;

/// <summary>Kestrel's own sockets, but none is accepted while the file descriptors for clients are used up.</summary>
/// <remarks>A listener takes at most one connection of the reserve: the one that it already waited for.</remarks>
public sealed class ReservingListenerFactory(IOptions<SocketTransportOptions> options, ILoggerFactory loggers)
    : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly SocketTransportFactory _sockets = new(options, loggers);

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => _sockets.CanBind(endpoint);

    /// <inheritdoc/>
    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await _sockets.BindAsync(endpoint, cancellationToken).ConfigureAwait(false), DescriptorReserve.OfProcess);

    private sealed class Listener(IConnectionListener inner, DescriptorReserve reserve) : IConnectionListener
    {
        private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            while (true)
            {
                while (!reserve.HasRoom() && !_unbound.IsCancellationRequested)
                    await Task.Delay(s_pause, _unbound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                try
                {
                    return await inner.AcceptAsync(cancellationToken).ConfigureAwait(false);
                }
                catch (SocketException failure) when (
                    failure.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
                {
                    // The client waits in the kernel, and Kestrel would never accept again.
                    await Task.Delay(s_pause, _unbound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _unbound.CancelAsync().ConfigureAwait(false);
            await inner.UnbindAsync(cancellationToken).ConfigureAwait(false);
        }

        public async ValueTask DisposeAsync()
        {
            await _unbound.CancelAsync().ConfigureAwait(false);
            await inner.DisposeAsync().ConfigureAwait(false);
        }
    }
}
