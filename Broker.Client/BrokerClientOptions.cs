using Broker.Core.Protocol.Messages;
using Microsoft.Extensions.Logging;

namespace Broker.Client;

/// <summary>How a client connects, and its bounds.</summary>
public sealed record BrokerClientOptions
{
    /// <summary>Where the hub implements the native protocol, such as <c>ws://localhost:8000/ws</c>; <c>wss</c> for TLS.</summary>
    public required Uri Url { get; init; }

    /// <summary>What shows who the client is; sent with every hello.</summary>
    public ReadOnlyMemory<byte> Token { get; init; }

    /// <summary>The name of the program, for the hub's log; at most 255 bytes of UTF-8.</summary>
    public string Name { get; init; } = "broker-dotnet";

    /// <summary>How long the handshake and the welcome may take.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The shortest wait before another attempt, unless the hub says otherwise.</summary>
    public TimeSpan BackoffMin { get; init; } = TimeSpan.FromSeconds(0.5);

    /// <summary>The longest wait before another attempt, unless the hub says otherwise.</summary>
    public TimeSpan BackoffMax { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Bytes of small messages that may wait to be sent. Beyond them, sending fails.</summary>
    public long SendBytesMax { get; init; } = 8L * 1024 * 1024;

    /// <summary>Bytes of large messages that may wait to be sent; one alone always may.</summary>
    public long UploadBytesMax { get; init; } = 128L * 1024 * 1024;

    /// <summary>
    /// Bytes of deliveries that one subscription keeps for its reader. Beyond them the oldest are dropped, and the next delivery has a gap.
    /// </summary>
    public long SubscriptionBytesMax { get; init; } = 8L * 1024 * 1024;

    /// <summary>Bytes that incomplete streams from the hub may hold.</summary>
    public long DownloadBytesMax { get; init; } = 128L * 1024 * 1024;

    /// <summary>The longest frame that the client takes, as it comes and as it is when expanded.</summary>
    public int FrameBytesMax { get; init; } = 1024 * 1024;

    /// <summary>
    /// Chunks of a stream that the hub may send before it has to wait for credit, over 0. They are in front of everything that it sends
    /// next; a far and fast hub wants more of them, as one stream moves at most so many in a round trip.
    /// </summary>
    public int StreamWindow { get; init; } = NativeLimits.WindowChunksDefault;

    /// <summary>Items of a call that the hub may send before the reader has taken some, over 0.</summary>
    public int ItemsWindow { get; init; } = NativeLimits.WindowItemsDefault;

    /// <summary>Compressions that the hub may use. None, because compression costs both sides more than a fast network does.</summary>
    public Compressions Compressions { get; init; }

    /// <summary>Methods of this program that the hub may call.</summary>
    public ClientMethods Methods { get; init; } = new();

    /// <summary>
    /// Makes the client's logger: connections made and lost, subscriptions ended, methods that failed. None: nothing is logged.
    /// </summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>How long the wire may be silent before the client pings; an answer must come within as long again.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>The clock of deadlines and backoff.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
