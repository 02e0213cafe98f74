using System.Diagnostics.CodeAnalysis;

namespace Broker.Client;

/// <summary>A request that waits for its answer.</summary>
internal abstract class PendingRequest
{
    /// <summary>The stream that it is sent as, if it is too long for a frame.</summary>
    public uint? Upload { get; set; }

    public abstract void Fail(Exception failure);
}

/// <summary>A publication.</summary>
internal sealed class PendingPublish : PendingRequest
{
    public TaskCompletionSource<PublishReceipt> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override void Fail(Exception failure) => Answer.TrySetException(failure);
}

/// <summary>A page of a history.</summary>
internal sealed class PendingHistory : PendingRequest
{
    public TaskCompletionSource<HistoryPage> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override void Fail(Exception failure) => Answer.TrySetException(failure);
}

/// <summary>Who is in a channel.</summary>
internal sealed class PendingPresence : PendingRequest
{
    public TaskCompletionSource<ChannelPresence> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override void Fail(Exception failure) => Answer.TrySetException(failure);
}

/// <summary>A subscription, of the first time or of a later connection.</summary>
internal sealed class PendingSubscribe(Subscription subscription) : PendingRequest
{
    public Subscription Subscription => subscription;

    public TaskCompletionSource Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override void Fail(Exception failure) => Answer.TrySetException(failure);
}

/// <summary>A ping, which began at this time.</summary>
internal sealed class PendingPing(long began) : PendingRequest
{
    public long Began => began;

    public TaskCompletionSource<TimeSpan> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override void Fail(Exception failure) => Answer.TrySetException(failure);
}

/// <summary>A call.</summary>
internal sealed class PendingCall(string method, IProgress<TransferProgress>? download) : PendingRequest
{
    public string Method => method;

    public IProgress<TransferProgress>? Download => download;

    /// <summary>Where its items go, if it may have any.</summary>
    public OpenedCall? Items { get; set; }

    public TaskCompletionSource<ReadOnlyMemory<byte>> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Return(ReadOnlyMemory<byte> result)
    {
        Answer.TrySetResult(result);
        Items?.End(failure: null);
    }

    public override void Fail(Exception failure)
    {
        Answer.TrySetException(failure);
        Items?.End(failure);
    }

    public void Cancel(CancellationToken cancellationToken)
    {
        Answer.TrySetCanceled(cancellationToken);
        Items?.End(new OperationCanceledException(cancellationToken));
    }
}

/// <summary>Requests by their number.</summary>
internal sealed class RequestTable
{
    private readonly Dictionary<uint, PendingRequest> _pending = [];
    private uint _last;

    public uint Add(PendingRequest request)
    {
        do _last++;
        while (_last == 0 || _pending.ContainsKey(_last));
        _pending.Add(_last, request);
        return _last;
    }

    public bool TryTake<T>(uint id, [NotNullWhen(true)] out T? request)
        where T : PendingRequest
    {
        request = _pending.GetValueOrDefault(id) as T;
        return request is not null && _pending.Remove(id);
    }

    public PendingRequest[] TakeAll()
    {
        PendingRequest[] all = [.. _pending.Values];
        _pending.Clear();
        return all;
    }
}
