namespace Broker.Core.Protocol.Calls;

/// <summary>Items of one call that the other side takes: the sender of one waits for its credit. For any thread.</summary>
/// <param name="window">Items before the first credit, from 0.</param>
public sealed class ItemCredit(int window)
{
    /// <summary>The most credit that is counted: more than there could ever be under way is as good as endless.</summary>
    public const int CountMax = 1 << 20;

    private readonly SemaphoreSlim _credit = new(window);

    /// <summary>Takes the credit of one item, once there is some.</summary>
    public Task TakeAsync(CancellationToken cancellationToken) => _credit.WaitAsync(cancellationToken);

    /// <summary>The other side takes more.</summary>
    /// <param name="items">Any number; none is ignored.</param>
    public void Add(uint items)
    {
        if (items > 0 && _credit.CurrentCount < CountMax) _credit.Release((int)Math.Min(items, CountMax));
    }
}
