namespace Broker.Store;

/// <summary>Numbers of values that are kept in parts: each is given once. For all threads.</summary>
/// <param name="last">The last one that is taken.</param>
internal sealed class LongValueNumbers(ulong last)
{
    private ulong _last = last;

    /// <summary>The next one.</summary>
    public ulong Next() => Interlocked.Increment(ref _last);
}
