using Broker.Reactor.Loops;

namespace Broker.Reactor.Pipes;

/// <summary>Gives a loop the connections that another server has accepted.</summary>
public static class PipeAdoption
{
    /// <summary>Takes a connection whose opening handshake another server has done. From any thread.</summary>
    /// <param name="loop">The loop that owns the connection from now on.</param>
    /// <param name="carrier">What carries its bytes; the loop's until the end.</param>
    /// <param name="opening">What was agreed in the handshake.</param>
    /// <returns>
    /// Done when the connection has ended and nothing uses the carrier any more: true; or false if the loop had ended before, and
    /// the carrier was aborted.
    /// </returns>
    public static Task<bool> AdoptAsync(this EventLoop loop, ICarrier carrier, CarriedOpening opening)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(carrier);
        ArgumentNullException.ThrowIfNull(opening);
        var pending = new PendingConnection(loop, carrier, opening);
        loop.Post(static state => ((PendingConnection)state).Enter(), pending);

        // Either the loop sees what was posted, or this sees that the loop has ended.
        Interlocked.MemoryBarrier();
        if (loop.HasEnded) pending.Reject();
        return pending.Released;
    }
}
