using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Broker.Host;
using Broker.Reactor.Loops;
using Broker.Host.Hosting;

namespace Broker.Tests.Host;

/// <summary>A hub without WebSockets: it hands every connection over, once told how many bytes to read of it first.</summary>
internal sealed class PlainHub : IHub
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private Action<HandedOver>? _plainHttp;

    public PlainHub()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
    }

    public TaskCompletionSource<TimeSpan> Stopping { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Stopped { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ConcurrentQueue<RawSocket> Given { get; } = new();

    public Exception? StartFailure { get; init; }

    public IReadOnlyList<IPEndPoint> Endpoints { get; private set; } = [];

    public bool IsReady { get; set; }

    public bool IsHistoryFailing { get; set; }

    public int Connections => 0;

    public bool Disposed { get; private set; }

    public Task StartAsync(Action<HandedOver> plainHttp, CancellationToken cancellationToken)
    {
        if (StartFailure is not null) throw StartFailure;
        _plainHttp = plainHttp;
        Endpoints = [(IPEndPoint)_listener.LocalEndPoint!];
        IsReady = true;
        return Task.CompletedTask;
    }

    public Task StopAsync(TimeSpan grace)
    {
        IsReady = false;
        Stopping.SetResult(grace);
        return Stopped.Task;
    }

    /// <summary>Connects a client, sends for it, reads the first bytes as a reactor would, and hands over the rest.</summary>
    public async Task<(TcpClient Client, RawSocket Server)> ConnectAsync(byte[] request, int prefix)
    {
        var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)_listener.LocalEndPoint!);
        RawSocket server = RawSocket.Accept(_listener);
        await client.GetStream().WriteAsync(request.AsMemory(0, prefix));
        byte[] received = server.Receive(prefix);
        Given.Enqueue(server);
        _plainHttp!(new HandedOver(
            server.Descriptor, received, (IPEndPoint)client.Client.LocalEndPoint!, (IPEndPoint)_listener.LocalEndPoint!));
        await client.GetStream().WriteAsync(request.AsMemory(prefix));
        return (client, server);
    }

    public ValueTask DisposeAsync()
    {
        Disposed = true;
        _listener.Dispose();
        return ValueTask.CompletedTask;
    }
}
