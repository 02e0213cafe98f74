namespace Broker.Actors.Sessions;

/// <summary>A bucket of tokens: so many a second on average, and twice as many at once. Pure: it is told the time.</summary>
/// <param name="perSecond">Tokens that come in a second; over 0.</param>
internal struct RateLimit(int perSecond)
{
    private double _tokens = 2.0 * perSecond;
    private long _lastMilliseconds = long.MinValue;

    /// <summary>Takes a token, if there is one.</summary>
    internal bool TryTake(long nowMilliseconds)
    {
        if (_lastMilliseconds != long.MinValue)
            _tokens = Math.Min(2.0 * perSecond, _tokens + ((nowMilliseconds - _lastMilliseconds) * perSecond / 1000.0));
        _lastMilliseconds = nowMilliseconds;
        if (_tokens < 1) return false;
        _tokens--;
        return true;
    }
}
