using Broker.Core.Framing;

namespace Broker.Reactor.Loops;

/// <summary>
/// What stands above a connection that carries plain bytes and no WebSocket: a link to another node. Every call comes on the loop's thread.
/// </summary>
/// <remarks>An exception of any member ends this connection, and no other.</remarks>
public interface IByteHandler : IConnectionHandler
{
    /// <summary>The most bytes that may wait for the peer; the connection ends beyond it. At least the loop's own bound.</summary>
    int QueueBytesMax { get; }

    /// <summary>How long the peer may take nothing while bytes wait for it.</summary>
    TimeSpan BlockedLimit { get; }

    /// <summary>Bytes arrived, borrowed until the return.</summary>
    void OnBytes(ReadOnlySpan<byte> bytes);

    /// <inheritdoc />
    void IConnectionHandler.OnReceived(Turn turn) => throw new InvalidOperationException("A connection of plain bytes has no frames.");
}
