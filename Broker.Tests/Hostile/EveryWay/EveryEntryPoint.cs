using System.Net;
using System.Net.Sockets;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Tests.EndToEnd;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>Hosts that together have every entry point, and connections by each of them.</summary>
internal sealed class EveryEntryPoint : IAsyncDisposable
{
    private readonly EntryPoints _entryPoints = new();
    private readonly Dictionary<EntryPoint, HostProcess> _hosts = [];

    private EveryEntryPoint()
    {
    }

    /// <summary>The entry points that this machine has: io_uring needs a kernel that allows it.</summary>
    public static IReadOnlyList<EntryPoint> All { get; } =
        [.. Enum.GetValues<EntryPoint>().Where(static each => each != EntryPoint.IoUring || ReactorFactory.CanUse(ReactorBackend.IoUring))];

    /// <summary>The entry points whose bytes are HTTP/1.1.</summary>
    public static IReadOnlyList<EntryPoint> OfHttp1 { get; } = [.. All.Where(static each => each != EntryPoint.Http2)];

    /// <summary>The entry points that are Kestrel's.</summary>
    public static bool IsKestrels(EntryPoint entry) => entry is not (EntryPoint.Epoll or EntryPoint.IoUring);

    /// <summary>Starts the hosts.</summary>
    /// <param name="settings">Of all of them, as variables without their prefix.</param>
    public static async Task<EveryEntryPoint> OpenAsync(params IReadOnlyList<(string Name, string Value)> settings)
    {
        var opened = new EveryEntryPoint();
        try
        {
            HostProcess epoll = await StartAsync(settings, [.. opened._entryPoints.Settings, new("BROKER_REACTOR_BACKEND", "epoll")]);
            foreach (EntryPoint entry in (EntryPoint[])[EntryPoint.Epoll, EntryPoint.Tls, EntryPoint.Http2, EntryPoint.Unix])
                opened._hosts[entry] = epoll;
            if (All.Contains(EntryPoint.IoUring))
                opened._hosts[EntryPoint.IoUring] = await StartAsync(settings, [new("BROKER_REACTOR_BACKEND", "io-uring")]);
            opened._hosts[EntryPoint.Kestrel] = await StartAsync(settings, [new("BROKER_TRANSPORT", "kestrel")]);
            return opened;
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    private static Task<HostProcess> StartAsync(
        IReadOnlyList<(string Name, string Value)> settings, IReadOnlyList<KeyValuePair<string, string>> own)
    {
        var all = new Dictionary<string, string>(own);
        foreach ((string name, string value) in settings) all["BROKER_" + name] = value;
        return HostProcess.StartAsync(all);
    }

    /// <summary>The host behind an entry point.</summary>
    public HostProcess HostOf(EntryPoint entry) => _hosts[entry];

    /// <summary>Opens a connection and says nothing; not for HTTP/2, whose connections are its library's.</summary>
    public async Task<Attacker> ConnectAsync(EntryPoint entry, CancellationToken stop)
    {
        HostProcess host = _hosts[entry];
        if (entry == EntryPoint.Tls) return await Attacker.ConnectTlsAsync(host.TlsPort, _entryPoints, stop);
        if (entry != EntryPoint.Unix) return await Attacker.ConnectAsync(host.Port, stop);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(_entryPoints.UnixSocket), stop);
        return new Attacker(socket, new NetworkStream(socket, ownsSocket: true));
    }

    /// <summary>Opens a WebSocket.</summary>
    /// <param name="entry">By which way.</param>
    /// <param name="path">On which path.</param>
    /// <param name="subprotocol">The one that is offered, or none.</param>
    /// <param name="stop">Ends the wait.</param>
    public async Task<Attacker> OpenAsync(EntryPoint entry, string path, string? subprotocol, CancellationToken stop)
    {
        if (entry != EntryPoint.Http2)
        {
            Attacker client = await ConnectAsync(entry, stop);
            return await client.UpgradeAsync(path, subprotocol is null ? "" : HostileNativeClient.Offer(subprotocol), stop);
        }

        HttpResponseMessage response = await SendConnectAsync(path, subprotocol, new Dictionary<string, string>(), stop);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new Attacker(socket: null, await response.Content.ReadAsStreamAsync(stop));
    }

    /// <summary>Asks for a WebSocket over HTTP/2.</summary>
    /// <param name="path">On which path.</param>
    /// <param name="subprotocol">The one that is offered, or none.</param>
    /// <param name="fields">Further fields, or others in place of the usual ones.</param>
    /// <param name="stop">Ends the wait.</param>
    public Task<HttpResponseMessage> SendConnectAsync(
        string path, string? subprotocol, IReadOnlyDictionary<string, string> fields, CancellationToken stop)
    {
        var request = new HttpRequestMessage(HttpMethod.Connect, $"https://127.0.0.1:{_hosts[EntryPoint.Http2].TlsPort}{path}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        request.Headers.Protocol = "websocket";
        request.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", fields.GetValueOrDefault("Sec-WebSocket-Version", "13"));
        if (subprotocol is not null) request.Headers.TryAddWithoutValidation("Sec-WebSocket-Protocol", subprotocol);
        foreach ((string name, string value) in fields)
        {
            if (name == "Host") request.Headers.Host = value;
            else if (name != "Sec-WebSocket-Version") request.Headers.TryAddWithoutValidation(name, value);
        }

        return _entryPoints.Http.SendAsync(request, stop);
    }

    /// <summary>Asks for anything over HTTP/2.</summary>
    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, CancellationToken stop) =>
        _entryPoints.Http.SendAsync(
            new HttpRequestMessage(method, $"https://127.0.0.1:{_hosts[EntryPoint.Http2].TlsPort}{path}")
            {
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            },
            stop);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (HostProcess host in _hosts.Values.Distinct()) await host.DisposeAsync();
        _entryPoints.Dispose();
    }
}

/// <summary>The hosts of a class of tests, each ended gracefully whatever the tests did to it.</summary>
public sealed class SharedEntryPoints : IAsyncLifetime
{
    private EveryEntryPoint? _entryPoints;

    /// <summary>The running hosts. Kestrel waits for whole lines: two of the rows are answered at this limit.</summary>
    internal EveryEntryPoint EntryPoints => _entryPoints!;

    /// <inheritdoc/>
    public async Task InitializeAsync() => _entryPoints = await EveryEntryPoint.OpenAsync(("HTTP_HEAD_LIMIT", "15s"));

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_entryPoints is null) return;
        await using (_entryPoints)
        {
            foreach (HostProcess host in EveryEntryPoint.All.Select(_entryPoints.HostOf).Distinct()) await host.StopAsync();
        }
    }
}
