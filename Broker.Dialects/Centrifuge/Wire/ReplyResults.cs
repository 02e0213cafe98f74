namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>What a client is told when it has connected. Fields left empty, false or 0 are not written.</summary>
public readonly ref struct ConnectResult
{
    /// <summary>The connection's id, unique in the whole hub.</summary>
    public required string Client { get; init; }

    /// <summary>The server's version.</summary>
    public string? Version { get; init; }

    /// <summary>The client has to refresh its token within <see cref="TtlSeconds"/>.</summary>
    public bool Expires { get; init; }

    /// <summary>Seconds until the connection expires.</summary>
    public uint TtlSeconds { get; init; }

    /// <summary>Data of the application for this client, one JSON value.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <summary>Seconds between the server's pings; the client gives up 10 s after a ping that did not come.</summary>
    public uint PingSeconds { get; init; }

    /// <summary>The client has to answer each ping.</summary>
    public bool Pong { get; init; }

    /// <summary>The id of the session, for what is posted to it; a secret of the client's.</summary>
    public string? Session { get; init; }

    /// <summary>The id of the node that has the session.</summary>
    public string? Node { get; init; }

    /// <summary>It is told as a push, as the client has sent no command.</summary>
    public bool IsPush { get; init; }
}

/// <summary>What a client is told when it has subscribed. Fields left empty, false or 0 are not written.</summary>
public readonly ref struct SubscribeResult
{
    /// <summary>The client has to refresh its subscription's token within <see cref="TtlSeconds"/>.</summary>
    public bool Expires { get; init; }

    /// <summary>Seconds until the subscription expires.</summary>
    public uint TtlSeconds { get; init; }

    /// <summary>The client may recover after a lost connection; it will then say <see cref="Epoch"/> and its offset.</summary>
    public bool Recoverable { get; init; }

    /// <summary>The life of the stream: another epoch means that offsets start anew.</summary>
    public string? Epoch { get; init; }

    /// <summary>What was missed, oldest first: each from <see cref="PublicationEncoder.BodyOf"/>.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Publications { get; init; }

    /// <summary>Nothing is missing: <see cref="Publications"/> is all that was published meanwhile.</summary>
    public bool Recovered { get; init; }

    /// <summary>The offset of the newest publication in the stream.</summary>
    public ulong Offset { get; init; }

    /// <summary>The server watches that the client misses nothing.</summary>
    public bool Positioned { get; init; }

    /// <summary>Data of the application for this subscription, one JSON value.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <summary>The client is sent deltas: the data of every publication is a text.</summary>
    public bool Delta { get; init; }

    /// <summary>The client had asked to recover, so that <see cref="Recovered"/> is an answer.</summary>
    public bool WasRecovering { get; init; }
}
