namespace Broker.Actors.Limits;

/// <summary>How fast a <see cref="TokenBucket"/> fills, and how much it holds.</summary>
/// <param name="PerSecond">Tokens that come in a second; 0 for no limit.</param>
/// <param name="Burst">Tokens that it holds; at least those of a second.</param>
internal readonly record struct TokenRate(long PerSecond, long Burst)
{
    /// <summary>So many a second on average, and twice as many at once.</summary>
    internal static TokenRate Of(long perSecond) => new(perSecond, 2 * perSecond);

    /// <summary>As with one argument, with room at once for what an honest client says when it comes back.</summary>
    internal static TokenRate Of(long perSecond, long atOnceMin) => new(perSecond, Math.Max(2 * perSecond, atOnceMin));

    /// <summary>Whether there is a limit.</summary>
    internal bool IsOn => PerSecond > 0;

    /// <summary>How long an empty bucket takes to be full, in milliseconds.</summary>
    internal long FillMilliseconds => IsOn ? (Burst * 1000 / PerSecond) + 1 : 0;
}

/// <summary>A bucket of tokens, in integers. Pure: the caller passes the time. <c>default</c> is a full one.</summary>
/// <remarks>
/// 16 bytes inside a session. The limiters of System.Threading.RateLimiting read the machine's clock, so that no test can move it, and make
/// an object for each lease.
/// </remarks>
internal struct TokenBucket
{
    private const int Thousand = 1000;      // It counts thousandths, as that many come in a millisecond for each token of a second.

    private long _taken;                    // And not come again; thousandths.
    private long _milliseconds;

    /// <summary>
    /// Takes tokens, if there are so many. More than the bucket holds are taken from a full one, which then owes the rest.
    /// </summary>
    internal bool TryTake(in TokenRate rate, long tokens, long nowMilliseconds)
    {
        if (!rate.IsOn) return true;
        Fill(rate, nowMilliseconds);
        if (_taken > 0 && _taken + (tokens * Thousand) > rate.Burst * Thousand) return false;
        _taken += tokens * Thousand;
        return true;
    }

    /// <summary>How long until a token is there, in milliseconds; at least 1.</summary>
    internal long MillisecondsToNext(in TokenRate rate, long nowMilliseconds)
    {
        if (!rate.IsOn) return 1;
        Fill(rate, nowMilliseconds);
        return Math.Max(1, (_taken + Thousand - (rate.Burst * Thousand) + rate.PerSecond - 1) / rate.PerSecond);
    }

    // A clock that seems to go back, as one thread's does beside another's, brings nothing.
    private void Fill(in TokenRate rate, long nowMilliseconds)
    {
        long passed = nowMilliseconds - _milliseconds;
        if (passed <= 0) return;
        _milliseconds = nowMilliseconds;
        _taken = passed > _taken / rate.PerSecond ? 0 : _taken - (passed * rate.PerSecond);
    }
}
