namespace Broker.Reactor.Loops;

/// <summary>How a reactor waits for its sockets and moves their bytes.</summary>
public enum ReactorBackend
{
    /// <summary>io_uring where the system lets it be used, else epoll.</summary>
    Auto,

    /// <summary>A call for each read and write; Linux of any age.</summary>
    Epoll,

    /// <summary>Requests in shared memory, many handed over by one call; Linux 6.12 or later that allows it.</summary>
    IoUring,
}

/// <summary>What one event loop may hold and how long it waits. All sizes are bytes.</summary>
public sealed record ReactorSettings
{
    /// <summary>How it waits for sockets and moves their bytes.</summary>
    public ReactorBackend Backend { get; init; }

    /// <summary>Size of the receive scratch that all connections of one loop share. One read is at most this long.</summary>
    public int ScratchBytes { get; init; } = 64 * 1024;

    /// <summary>Connections that the kernel may hold ready for accept, per loop.</summary>
    public int Backlog { get; init; } = 4096;

    /// <summary>The most bytes that may wait for one slow reader before it is disconnected.</summary>
    public int QueueBytesMax { get; init; } = 1024 * 1024;

    /// <summary>How long a reader may take nothing while bytes wait for it.</summary>
    public TimeSpan BlockedLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client has for its whole upgrade request.</summary>
    public TimeSpan HandshakeLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest head of an HTTP request.</summary>
    public int HeadBytesMax { get; init; } = 16 * 1024;

    /// <summary>How long a closing connection may take to answer the Close frame and to end its side.</summary>
    public TimeSpan CloseLimit { get; init; } = TimeSpan.FromSeconds(5);
}
