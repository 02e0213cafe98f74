namespace Broker.Reactor.Sockets;

/// <summary>
/// A loop's connections that have not sent a whole request yet, the oldest first; and those that stand on a reserved descriptor.
/// </summary>
/// <remarks>For the loop's thread. A connection is in one of the two lists at most.</remarks>
internal sealed class HandshakeList
{
    /// <summary>The one that was accepted less long ago is not shed: its request may be on its way.</summary>
    internal const int GraceMilliseconds = 1000;

    private readonly LinkedList<Entry> _waiting = new();
    private readonly LinkedList<Entry> _spares = new();

    /// <summary>A connection has been accepted.</summary>
    internal void Add(SocketConnection connection, long nowMilliseconds) =>
        connection.Place = (connection.IsSpare ? _spares : _waiting).AddLast(new Entry(connection, nowMilliseconds));

    /// <summary>A connection is no longer handshaking, or has ended. Ignored if it is not listed.</summary>
    internal static void Remove(SocketConnection connection)
    {
        connection.Place?.List?.Remove(connection.Place);
        connection.Place = null;
    }

    /// <summary>The connection that has been without a request longest, if that is long enough to give way to another.</summary>
    internal SocketConnection? FindIdle(long nowMilliseconds) =>
        _waiting.First is { } first && nowMilliseconds - first.Value.AcceptedMilliseconds >= GraceMilliseconds ? first.Value.Connection
            : null;

    /// <summary>The oldest connection on a reserved descriptor, or none.</summary>
    internal SocketConnection? OldestSpare => _spares.First?.Value.Connection;

    /// <summary>A connection and when it was accepted.</summary>
    internal readonly record struct Entry(SocketConnection Connection, long AcceptedMilliseconds);
}
