using System.Net;
using System.Net.Sockets;
using Broker.Reactor.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Broker.Host.Http;

/// <summary>
/// Kestrel's own sockets; one whose file descriptor is of the reserve is marked as a spare, which is answered and closed.
/// </summary>
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
                try
                {
                    ConnectionContext? accepted = await inner.AcceptAsync(cancellationToken).ConfigureAwait(false);
                    if (accepted is not null && IsReserved(accepted)) accepted.Items[HttpConnection.SpareKey] = true;
                    return accepted;
                }
                catch (SocketException failure) when (
                    failure.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
                {
                    // The client waits in the kernel, and Kestrel would never accept again.
                    await Task.Delay(s_pause, _unbound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }

        private bool IsReserved(ConnectionContext accepted) =>
            accepted.Features.Get<IConnectionSocketFeature>() is { Socket: var socket }
                && reserve.IsReserved((int)socket.SafeHandle.DangerousGetHandle());

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
