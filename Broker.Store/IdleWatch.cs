using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Store;

/// <summary>Ends work with items when none has moved for a while, as well as with its call.</summary>
internal sealed class IdleWatch : IDisposable
{
    private readonly TimeSpan _limit;
    private readonly CancellationToken _call;
    private readonly CancellationTokenSource _idle;
    private readonly CancellationTokenSource _either;
    private readonly TimeProvider _time;
    private long _movedAt;
    private volatile bool _isShed;

    public IdleWatch(TimeSpan limit, TimeProvider time, CancellationToken call)
    {
        _limit = limit;
        _time = time;
        _movedAt = time.GetTimestamp();
        _call = call;
        _idle = new CancellationTokenSource(limit, time);
        _either = CancellationTokenSource.CreateLinkedTokenSource(_idle.Token, call);
    }

    /// <summary>Cancelled when the call is over, or nothing has moved.</summary>
    public CancellationToken Token => _either.Token;

    /// <summary>Something has moved.</summary>
    public void Moved()
    {
        Volatile.Write(ref _movedAt, _time.GetTimestamp());
        if (!_isShed) _idle.CancelAfter(_limit);
    }

    /// <summary>How long nothing has moved.</summary>
    public TimeSpan StoodStill => _time.GetElapsedTime(Volatile.Read(ref _movedAt));

    /// <summary>Ends the work, as another component needs its place.</summary>
    public void Shed()
    {
        _isShed = true;
        try
        {
            _ = _idle.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It was over before.
        }
    }

    /// <summary>Says that it was this that ended the work, if it was.</summary>
    public void ThrowIfLate()
    {
        if (_isShed)
            throw new CallFaultException(
                FaultCode.Overloaded, "all streams of the store were taken, and this one had not moved for longest");
        if (_idle.IsCancellationRequested && !_call.IsCancellationRequested)
            throw new CallFaultException(FaultCode.Deadline, $"no item has moved for {_limit.TotalSeconds} s");
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _either.Dispose();
        _idle.Dispose();
    }
}
