using Broker.Reactor.Loops;

namespace Broker.Reactor.Pipes;

/// <summary>A connection between its handshake, which another server has done, and its place on a loop.</summary>
/// <remarks>It enters, or is turned away as its loop has ended: exactly one of them, the one that is first.</remarks>
internal sealed class PendingConnection(EventLoop loop, ICarrier carrier, CarriedOpening opening)
{
    private readonly TaskCompletionSource<bool> _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _taken;

    /// <summary>Done when nothing uses the carrier any more: true after a connection, false if there was none.</summary>
    internal Task<bool> Released => _released.Task;

    /// <summary>On the loop's thread.</summary>
    internal void Enter()
    {
        if (loop.HasEnded)
        {
            Reject();
            return;
        }

        if (Interlocked.Exchange(ref _taken, 1) == 1) return;
        var connection = new PipeConnection(loop, loop.Table.TakeId(), carrier, _released) { AddressPlace = opening.Place };
        connection.Open(opening);
        loop.Admit(connection, opening.Request);
    }

    /// <summary>From any thread.</summary>
    internal void Reject()
    {
        if (Interlocked.Exchange(ref _taken, 1) == 1) return;
        carrier.Abort();
        _released.TrySetResult(false);
    }
}
