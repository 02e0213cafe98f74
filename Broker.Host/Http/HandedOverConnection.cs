using System.Globalization;
using System.IO.Pipelines;
using System.Net.Sockets;
using Broker.Reactor.Loops;
using Microsoft.AspNetCore.Connections;

namespace Broker.Host.Http;

/// <summary>One connection that the hub handed over, as Kestrel sees it: first the bytes already read, then the socket.</summary>
/// <remarks>
/// Owns the descriptor from its first line on: a constructor that throws has closed it. A peer that ends its sending
/// side is still answered; <c>ConnectionClosed</c> fires when the socket is really closed.
/// </remarks>
public sealed class HandedOverConnection : DefaultConnectionContext, IDuplexPipe
{
    private static long _last;

    private readonly CancellationTokenSource _closed = new();
    private readonly Socket _socket;

    /// <summary>Takes a connection over.</summary>
    /// <exception cref="SocketException">The descriptor is no socket.</exception>
    /// <exception cref="IOException">The peer has already gone.</exception>
    public HandedOverConnection(HandedOver connection)
        : base(string.Create(CultureInfo.InvariantCulture, $"plain-{Interlocked.Increment(ref _last)}"))
    {
        ArgumentNullException.ThrowIfNull(connection);
        var handle = new SafeSocketHandle(connection.Descriptor, ownsHandle: true);
        try
        {
            // The descriptor stays non-blocking, as the reactor left it; "Blocking" only lets the rare synchronous
            // write wait for room, and a network stream insists on it.
            _socket = new Socket(handle) { Blocking = true };
            var stream = new PrefixedStream(connection.Received, new NetworkStream(_socket, ownsSocket: false), OnLost);
            Input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
            Output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        }
        catch
        {
            handle.Dispose();
            _closed.Dispose();
            throw;
        }

        Transport = this;
        if (connection.IsSpare) Items[HttpConnection.SpareKey] = true;
        RemoteEndPoint = connection.Remote;
        LocalEndPoint = connection.Local;
        ConnectionClosed = _closed.Token;
    }

    /// <summary>What the peer sends.</summary>
    public PipeReader Input { get; }

    /// <summary>What the peer gets.</summary>
    public PipeWriter Output { get; }

    private void OnLost() => Abort(new ConnectionAbortedException("The client has gone."));

    /// <summary>
    /// Waits until the peer has ended its side, or the connection has failed. Only while nothing reads: what the peer has sent may be the
    /// start of its next request, and then the end is found by the reader that.
    /// </summary>
    internal async Task WaitForPeerEndAsync(CancellationToken cancellationToken)
    {
        try
        {
            // Waits without taking anything.
            await _socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken).ConfigureAwait(false);
            if (_socket.Available > 0) await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // That is the end, too.
        }
    }

    /// <summary>Closes the socket at once; a read or write under way fails.</summary>
    public override void Abort(ConnectionAbortedException abortReason)
    {
        _socket.Dispose();
        try
        {
            _ = _closed.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // Kestrel may abort what it has disposed of; the token has fired then.
        }
    }

    /// <summary>Ends the connection after its last request: what was written still arrives.</summary>
    public override async ValueTask DisposeAsync()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
        {
            // The peer was quicker.
        }

        _socket.Dispose();
        try
        {
            await _closed.CancelAsync().ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            return;
        }

        _closed.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }
}
