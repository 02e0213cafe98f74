namespace Broker.Actors.Dialects;

/// <summary>What to do when the deadline of a connection has come.</summary>
public enum KeepAliveStep
{
    /// <summary>The client did not send connect in time.</summary>
    Stale,

    /// <summary>Ping it, and look again after the pong limit.</summary>
    Ping,

    /// <summary>It is alive; look again when the next ping is due.</summary>
    Wait,

    /// <summary>It sent nothing after a ping: it is gone.</summary>
    NoPong,
}

/// <summary>When to ping a client and when to give it up. Pure: it is asked at each deadline.</summary>
/// <remarks>Anything the client sends counts as an answer; a ping goes out each interval even so, as the client waits for it.</remarks>
public struct KeepAlive
{
    private bool _connected, _pinged, _received;

    /// <summary>How long after its connect a client is pinged first.</summary>
    /// <remarks>
    /// A random place in a whole interval, so that clients that came together are pinged evenly ever after: half an interval of
    /// places would give twice the pings half of the time. The interval begins a little late, so that the client has read the
    /// answer to its connect, and ends long before a client gives up waiting (10 s late, by default).
    /// </remarks>
    /// <param name="interval">Between two pings.</param>
    /// <param name="random">Where the place comes from.</param>
    /// <returns>Whole milliseconds, of one interval that begins after a tenth of it, or after a second if that is less.</returns>
    public static TimeSpan FirstPingAfter(TimeSpan interval, Random random)
    {
        ArgumentNullException.ThrowIfNull(random);
        long milliseconds = (long)interval.TotalMilliseconds;
        long lead = Math.Min(milliseconds / 10, 1000);
        return TimeSpan.FromMilliseconds(lead + random.NextInt64(milliseconds + 1));
    }

    /// <summary>The client sent something.</summary>
    public void Receive() => _received = true;

    /// <summary>The client has connected: pings begin.</summary>
    public void Connect() => _connected = true;

    /// <summary>The deadline has come.</summary>
    public KeepAliveStep Next()
    {
        if (!_connected) return KeepAliveStep.Stale;
        if (_pinged)
        {
            _pinged = false;
            return _received ? KeepAliveStep.Wait : KeepAliveStep.NoPong;
        }

        _pinged = true;
        _received = false;
        return KeepAliveStep.Ping;
    }
}
