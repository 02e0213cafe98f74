using System.Net.Sockets;
using System.Net.WebSockets;

namespace Broker.Cli.Bench;

/// <summary>Opens WebSocket connections to one place, a bounded number at a time, and says plainly why one does not open.</summary>
internal sealed class Dialer(Uri url, LoadMeter meter) : IDisposable
{
    private const int AtOnce = 64;

    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false });

    /// <summary>How long one connection may take to open, its protocol's greeting included.</summary>
    public static TimeSpan OpenLimit { get; } = TimeSpan.FromSeconds(20);

    /// <summary>Opens many.</summary>
    /// <param name="count">How many.</param>
    /// <param name="open">Opens the one of that number.</param>
    /// <param name="cancellationToken">Ends it: those under way are given up.</param>
    /// <exception cref="BenchException">The files do not suffice.</exception>
    /// <exception cref="OperationCanceledException">It was ended.</exception>
    public static Task OpenAllAsync(int count, Func<int, CancellationToken, ValueTask> open, CancellationToken cancellationToken) =>
        Parallel.ForAsync(0, count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellationToken }, open);

    /// <summary>Opens one.</summary>
    /// <exception cref="BenchException">It did not open.</exception>
    public async Task<ClientWebSocket> OpenAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(OpenLimit);
        var socket = new ClientWebSocket();
        socket.Options.KeepAliveInterval = TimeSpan.Zero;       // Nothing is sent that was not asked for.
        socket.Options.CollectHttpResponseDetails = true;
        try
        {
            await socket.ConnectAsync(url, _invoker, limit.Token).ConfigureAwait(false);
            meter.Opened();
            return socket;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new BenchException($"{url} has not answered within {OpenLimit.TotalSeconds:0} s.");
        }
        catch (Exception failure) when (failure is WebSocketException or HttpRequestException)
        {
            string reason = ReasonOf(failure, (int)socket.HttpStatusCode);
            socket.Dispose();
            throw new BenchException($"{url}: {reason}");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _invoker.Dispose();

    private static string ReasonOf(Exception failure, int status)
    {
        for (Exception? inner = failure; inner is not null; inner = inner.InnerException)
        {
            if (inner is SocketException socket) return ReasonOf(socket);
            if (inner is System.Security.Authentication.AuthenticationException) return $"TLS failed: {inner.Message}";
        }

        return status switch
        {
            0 => $"no WebSocket handshake: {failure.Message}",
            101 => $"the handshake is not one of a WebSocket: {failure.Message}",
            404 => "the server answered 404: nothing is there at this path. Broker has /connection/websocket, and /echo once it is opened "
                + "(--echo).",
            429 or 503 => $"the server answered {status}: it takes no more connections.",
            _ => $"the server answered the handshake with {status} instead of 101.",
        };
    }

    private static string ReasonOf(SocketException failure) => failure.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => "there is no listener (connection refused).",
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain => "there is no host of this name.",
        SocketError.TooManyOpenSockets => $"this process may have {OpenFiles.Limit} open files and has no more (ulimit -n).",
        SocketError.AddressNotAvailable or SocketError.AddressAlreadyInUse =>
            "this machine has no free port left for a connection to that address (net.ipv4.ip_local_port_range).",
        _ => failure.Message,
    };
}
