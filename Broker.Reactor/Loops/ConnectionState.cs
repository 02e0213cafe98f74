namespace Broker.Reactor.Loops;

/// <summary>The stages of a connection's life; it only goes forward.</summary>
internal enum ConnectionState : byte
{
    /// <summary>Reading the upgrade request.</summary>
    Handshaking,

    /// <summary>Messages flow.</summary>
    Open,

    /// <summary>We sent a Close frame; the client's is awaited, and what else it sends is ignored.</summary>
    Closing,

    /// <summary>Nothing more is sent; what is queued leaves, then our side ends, and the client's end is awaited.</summary>
    Lingering,

    /// <summary>The socket is gone.</summary>
    Closed,
}
