using System.Net;
using Broker.Reactor.Loops;

namespace Broker.Reactor.Pipes;

/// <summary>
/// What carries the bytes of a connection that another server admitted: an upgraded request, an HTTP/2 stream, or the answer to a request
/// and the requests that follow it.
/// </summary>
/// <remarks>Used by one connection on its loop's thread. No member blocks.</remarks>
public interface ICarrier
{
    /// <summary>Frames in both directions, the first right behind the handshake. One read and one write at a time.</summary>
    Stream Frames { get; }

    /// <summary>
    /// Where messages of the client go that come in requests of their own; null where all of them come in <see cref="Frames"/>.
    /// </summary>
    MessageInbox? Inbox => null;

    /// <summary>The client's address.</summary>
    IPEndPoint Remote { get; }

    /// <summary>
    /// Whether our side can be ended by itself. If not, the connection reads on without that until the client has sent its
    /// last word, because ending both sides at once destroys what the client has not read.
    /// </summary>
    bool CanEndSending { get; }

    /// <summary>Ends our side behind what was written; what the client sends can still be read.</summary>
    Task EndSendingAsync();

    /// <summary>Ends both sides at once; a read or write under way fails.</summary>
    void Abort();
}
