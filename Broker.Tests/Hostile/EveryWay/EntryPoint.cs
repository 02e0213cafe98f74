namespace Broker.Tests.Hostile.EveryWay;

/// <summary>The ways into the host that answer by themselves, as docs/TRANSPORTS.md lists them.</summary>
public enum EntryPoint
{
    /// <summary>The reactor's port, over epoll.</summary>
    Epoll,

    /// <summary>The reactor's port, over io_uring.</summary>
    IoUring,

    /// <summary>The public port with <c>transport = kestrel</c>.</summary>
    Kestrel,

    /// <summary>HTTP/1.1 over TLS.</summary>
    Tls,

    /// <summary>A stream of HTTP/2 over TLS.</summary>
    Http2,

    /// <summary>A Unix socket.</summary>
    Unix,
}
