namespace Broker.Client;

/// <summary>Deliveries between the connection and one reader: bounded in bytes, and honest about what it drops.</summary>
internal sealed class DeliveryQueue(long bytesMax)
{
    private const int OverheadBytes = 96;      // About what a delivery costs beside its data.

    private readonly Lock _gate = new();
    private readonly Queue<Delivery> _queue = new();
    private TaskCompletionSource? _waiting;
    private long _bytes;
    private (Gap Gap, ulong Missed) _beforeFirst;      // What was dropped from the front.
    private (Gap Gap, ulong Missed) _beforeNext;       // What never came.
    private Exception? _failure;
    private bool _ended;

    /// <summary>Takes a delivery; at the bound the oldest go.</summary>
    public void Add(string channel, ulong offset, ReadOnlyMemory<byte> data)
    {
        lock (_gate)
        {
            if (_ended) return;
            _queue.Enqueue(new Delivery(channel, offset, data, _beforeNext.Gap, _beforeNext.Missed));
            _beforeNext = default;
            _bytes += data.Length + OverheadBytes;
            while (_bytes > bytesMax && _queue.Count > 1)
            {
                Delivery dropped = TakeFirst();
                _beforeFirst = (Gap.Certain, dropped.Missed + 1);
            }

            Wake();
        }
    }

    /// <summary>Notes that something is, or may be, missing before the next delivery.</summary>
    public void AddGap(Gap gap, ulong missed)
    {
        lock (_gate) _beforeNext = (gap > _beforeNext.Gap ? gap : _beforeNext.Gap, _beforeNext.Missed + missed);
    }

    /// <summary>No more come. What is there is still read.</summary>
    public void End(Exception? failure)
    {
        lock (_gate)
        {
            if (_ended) return;
            _ended = true;
            _failure = failure;
            Wake();
        }
    }

    /// <summary>The next delivery, or null after the last.</summary>
    public async ValueTask<Delivery?> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task waiting;
            lock (_gate)
            {
                if (_queue.Count > 0) return TakeFirst();
                if (_failure is not null) throw _failure;
                if (_ended) return null;
                _waiting ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting = _waiting.Task;
            }

            await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private Delivery TakeFirst()
    {
        Delivery first = _queue.Dequeue();
        _bytes -= first.Data.Length + OverheadBytes;
        (Gap gap, ulong missed) = _beforeFirst;
        _beforeFirst = default;
        if (gap == Gap.None) return first;
        return first with { GapBefore = gap > first.GapBefore ? gap : first.GapBefore, Missed = first.Missed + missed };
    }

    private void Wake()
    {
        _waiting?.TrySetResult();
        _waiting = null;
    }
}
