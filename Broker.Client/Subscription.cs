namespace Broker.Client;

/// <summary>The deliveries of one channel, for one reader. Survives the loss of the connection, and says what may be missing.</summary>
/// <remarks>
/// The enumeration ends when this is disposed of, and fails when the hub ends the subscription or the client closes for
/// good. A reader that is slower than the channel loses the oldest deliveries, and is told how many.
/// </remarks>
public sealed class Subscription : IAsyncEnumerable<Delivery>, IAsyncDisposable
{
    private readonly BrokerClient _client;
    private bool _confirmedOnce;
    private volatile bool _left;

    internal Subscription(BrokerClient client, string channel, ReadOnlyMemory<byte> token, long bytesMax)
    {
        _client = client;
        Channel = channel;
        Token = token;
        Queue = new DeliveryQueue(bytesMax);
    }

    /// <summary>The channel.</summary>
    public string Channel { get; }

    internal ReadOnlyMemory<byte> Token { get; }

    internal DeliveryQueue Queue { get; }

    /// <summary>Whether nobody reads it any more, so that a late confirmation is answered with unsubscribe.</summary>
    internal bool IsLeft => _left;

    internal ulong Epoch { get; private set; }

    internal ulong Offset { get; private set; }

    /// <summary>Whether to ask for what was published since the last delivery.</summary>
    internal bool CanRecover { get; private set; }

    /// <inheritdoc />
    public async IAsyncEnumerator<Delivery> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (await Queue.NextAsync(cancellationToken).ConfigureAwait(false) is { } delivery) yield return delivery;
    }

    /// <summary>Unsubscribes and ends the enumeration; waits for the hub only to have been told.</summary>
    public ValueTask DisposeAsync()
    {
        _left = true;
        _client.Leave(this);
        Queue.End(failure: null);
        return ValueTask.CompletedTask;
    }

    /// <summary>The hub has confirmed, for the first time or again.</summary>
    internal void Confirm(bool isRecoverable, bool isRecovered, ulong epoch, ulong offset)
    {
        bool nothingNew = CanRecover && isRecoverable && epoch == Epoch && offset == Offset;
        if (_confirmedOnce && !isRecovered && !nothingNew) Queue.AddGap(Gap.Possible, missed: 0);
        if (!_confirmedOnce || !isRecovered) Offset = offset;
        Epoch = epoch;
        CanRecover = isRecoverable;
        _confirmedOnce = true;
    }

    /// <summary>The hub keeps nothing that the old place means.</summary>
    internal void ForgetPlace() => CanRecover = false;

    /// <summary>A delivery has come. One that came before the connection was lost is not given twice.</summary>
    internal void Take(ulong offset, ReadOnlyMemory<byte> data)
    {
        if (offset != 0 && offset <= Offset) return;
        if (offset != 0) Offset = offset;
        Queue.Add(Channel, offset, data);
    }

    /// <summary>A delivery has come as a stream, and perhaps behind later ones, of which it is not one.</summary>
    internal void TakeLate(ulong offset, ReadOnlyMemory<byte> data)
    {
        Offset = Math.Max(Offset, offset);
        Queue.Add(Channel, offset, data);
    }

    /// <summary>The hub says what it will not deliver.</summary>
    internal void Miss(ulong offset, ulong count)
    {
        if (offset != 0) Offset = Math.Max(Offset, offset + count - 1);
        Queue.AddGap(Gap.Certain, count);
    }
}
