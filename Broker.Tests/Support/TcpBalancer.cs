using System.Net;
using System.Net.Sockets;

namespace Broker.Tests.Support;

/// <summary>A load balancer of TCP: gives each connection to the next backend that accepts one.</summary>
internal sealed class TcpBalancer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private volatile int[] _backends = [];
    private int _next;

    internal TcpBalancer()
    {
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    /// <summary>Where it listens on loopback.</summary>
    internal int Port { get; }

    /// <summary>Gives new connections to these ports of loopback from now on.</summary>
    internal void SetBackends(params int[] ports) => _backends = ports;

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = ServeAsync(await _listener.AcceptSocketAsync(_stopping.Token));
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It stops.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using (client)
        {
            if (await ConnectAsync() is not { } backend) return;
            using (backend) await Task.WhenAny(CopyAsync(client, backend), CopyAsync(backend, client));
        }
    }

    private async Task<Socket?> ConnectAsync()
    {
        int[] backends = _backends;
        int first = Interlocked.Increment(ref _next);
        for (int i = 0; i < backends.Length; i++)
        {
            var backend = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await backend.ConnectAsync(IPAddress.Loopback, backends[(first + i) % backends.Length], _stopping.Token);
                return backend;
            }
            catch (Exception refused) when (refused is SocketException or OperationCanceledException)
            {
                backend.Dispose();
            }
        }

        return null;
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        byte[] buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _stopping.Token) is > 0 and int read)
            {
                for (int sent = 0; sent < read;) sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), _stopping.Token);
            }
        }
        catch (Exception ended) when (ended is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The other direction ends with it.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _stopping.Dispose();
    }
}
