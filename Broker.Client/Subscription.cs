namespace Broker.Client;

/// <summary>The deliveries of one channel, for one reader. Survives the loss of the connection, and marks what may be missing.</summary>
/// <remarks>
/// The enumeration ends when this is disposed of, and fails when the hub ends the subscription or the client closes for
/// good. A reader that is slower than the channel loses the oldest deliveries; the next one has their number.
/// </remarks>
public sealed class Subscription : IAsyncEnumerable<Delivery>, IAsyncDisposable
{
    private readonly Action<Subscription> _leave;
    private readonly SeenOffsets _seen = new();
    private bool _confirmedOnce;
    private volatile bool _left;

    internal Subscription(
        Action<Subscription> leave, string channel, ReadOnlyMemory<byte> token, long bytesMax, Action<MemberChange>? onMemberChange = null)
    {
        _leave = leave;
        OnMemberChange = onMemberChange;
        Channel = channel;
        Token = token;
        Queue = new DeliveryQueue(bytesMax);
    }

    /// <summary>The channel.</summary>
    public string Channel { get; }

    internal ReadOnlyMemory<byte> Token { get; }

    internal DeliveryQueue Queue { get; }

    /// <summary>Called for each join and leave; null where they are not asked for.</summary>
    internal Action<MemberChange>? OnMemberChange { get; }

    /// <summary>Whether nothing reads it any more, so that a late confirmation is answered with unsubscribe.</summary>
    internal bool IsLeft => _left;

    internal ulong Epoch { get; private set; }

    /// <summary>Where to go on: nothing before it is missing.</summary>
    internal ulong Offset => _seen.Whole;

    /// <summary>Whether to ask for what was published since the last delivery.</summary>
    internal bool CanRecover { get; private set; }

    /// <inheritdoc />
    public async IAsyncEnumerator<Delivery> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (await Queue.NextAsync(cancellationToken).ConfigureAwait(false) is { } delivery) yield return delivery;
    }

    /// <summary>Unsubscribes and ends the enumeration, without waiting for the hub's answer.</summary>
    public ValueTask DisposeAsync()
    {
        _left = true;
        _leave(this);
        Queue.End(failure: null);
        return ValueTask.CompletedTask;
    }

    /// <summary>The hub has confirmed, for the first time or again.</summary>
    internal void Confirm(bool isRecoverable, bool isRecovered, ulong epoch, ulong offset)
    {
        bool nothingNew = CanRecover && isRecoverable && epoch == Epoch && offset == Offset;
        if (_confirmedOnce && !isRecovered && !nothingNew) Queue.AddGap(Gap.Possible, missed: 0);
        if (!_confirmedOnce || !isRecovered) _seen.Reset(offset);
        Epoch = epoch;
        CanRecover = isRecoverable;
        _confirmedOnce = true;
    }

    /// <summary>The hub keeps nothing that the old place means.</summary>
    internal void DropPosition() => CanRecover = false;

    /// <summary>A delivery has come; one that came before, perhaps on another connection, is not given twice.</summary>
    internal void Take(ulong offset, ReadOnlyMemory<byte> data)
    {
        if (offset != 0 && !_seen.TryAdd(offset)) return;
        Queue.Add(Channel, offset, data);
        GiveUpHoles();
    }

    /// <summary>The hub reports what it will not deliver.</summary>
    internal void Miss(ulong offset, ulong count)
    {
        ulong missed = offset == 0 ? count : _seen.Add(offset, count);
        if (missed > 0) Queue.AddGap(Gap.Certain, missed);
        GiveUpHoles();
    }

    private void GiveUpHoles()
    {
        if (_seen.GiveUpOldest() is > 0 and ulong missed) Queue.AddGap(Gap.Certain, missed);
    }
}
