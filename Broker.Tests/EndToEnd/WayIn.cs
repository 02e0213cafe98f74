namespace Broker.Tests.EndToEnd;

/// <summary>The ways into the host, as docs/TRANSPORTS.md lists them.</summary>
public enum WayIn
{
    /// <summary>The public port, by the reactor.</summary>
    Reactor,

    /// <summary>The public port, by Kestrel.</summary>
    Kestrel,

    /// <summary>HTTP/1.1 over TLS.</summary>
    Tls,

    /// <summary>A stream of HTTP/2 over TLS.</summary>
    Http2,

    /// <summary>A Unix socket.</summary>
    Unix,
}
