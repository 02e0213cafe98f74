using System.Diagnostics;

namespace Broker.Core.Protocol.Transfers;

/// <summary>Memory that the streams of a whole process may hold, whatever their connections may. For all threads.</summary>
/// <remarks>
/// <para>
/// What a sender may send without credit is taken as it comes, by <see cref="TryTake"/>. What it needs credit for is reserved
/// as a whole before the credit is given, by <see cref="TryReserve"/>: a stream that has got its reservation can be completed,
/// and one that has not waits with few bytes held. So senders that follow their credit neither fail nor block each other for ever.
/// </para>
/// <para>
/// While a caller waits for a reservation, or has been refused one, the budget is under pressure. The longer that lasts, the
/// faster a holder has to move: <see cref="TryShed"/> picks the slowest, one at a time.
/// </para>
/// </remarks>
/// <param name="bytesMax">The most bytes.</param>
public sealed class ChunkBudget(long bytesMax)
{
    /// <summary>So long a caller waits before a holder is shed. Refusals that follow each other sooner are one wait.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>The caller that waits asks more often than this: after it no one does any more, and no one is shed.</summary>
    private static readonly TimeSpan s_waitInterval = TimeSpan.FromMilliseconds(500);

    /// <summary>No sooner after one holder is the next one shed.</summary>
    public static readonly TimeSpan ShedInterval = TimeSpan.FromMilliseconds(200);

    private const long SlowestBytesPerSecond = 16 * 1024;
    private const long FastestBytesPerSecond = 1024 * 1024;

    private readonly Lock _gate = new();
    private long _bytes;
    private long _reserved;                 // Of these, reserved by streams and not returned.
    private TimeSpan? _pressureSince;       // The first refusal of the present pressure,
    private TimeSpan _refusedAt;            // the last one,
    private TimeSpan _shedAt;               // and when a holder was shed last.

    /// <summary>The most bytes.</summary>
    public long BytesMax => bytesMax;

    /// <summary>Bytes that are held or reserved now.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Bytes up to which memory is reserved. The rest is for what comes without credit.</summary>
    public long ReservableBytes => bytesMax - (bytesMax / 4);

    /// <summary>Takes so many bytes, or none where they do not fit.</summary>
    public bool TryTake(long bytes) => TryAdd(bytes, bytesMax);

    /// <summary>Takes so many bytes ahead of their use, or none where they would leave too little for what comes without credit.</summary>
    /// <remarks>Where nothing else is reserved, all that is free may be.</remarks>
    /// <param name="bytes">Bytes.</param>
    /// <param name="now">The time; a refusal puts the budget under pressure.</param>
    public bool TryReserve(long bytes, TimeSpan now)
    {
        if (TryAdd(bytes, Volatile.Read(ref _reserved) == 0 ? bytesMax : ReservableBytes))
        {
            Interlocked.Add(ref _reserved, bytes);
            return true;
        }

        lock (_gate)
        {
            if (_pressureSince is null || now - _refusedAt > Patience) _pressureSince = now;
            _refusedAt = now;
        }

        return false;
    }

    /// <summary>Returns what was taken.</summary>
    public void Return(long bytes)
    {
        Interlocked.Add(ref _bytes, -bytes);
        AssertInvariant();
    }

    /// <summary>Part of a reservation is held as any other bytes are, from now on.</summary>
    internal void Use(long bytes)
    {
        Interlocked.Add(ref _reserved, -bytes);
        AssertInvariant();
    }

    /// <summary>Returns what was reserved and not used.</summary>
    public void ReturnReserved(long bytes)
    {
        Use(bytes);
        Return(bytes);
    }

    /// <summary>Whether a caller waits for memory that others hold.</summary>
    public bool IsUnderPressure(TimeSpan now)
    {
        lock (_gate) return _pressureSince is not null && now - _refusedAt <= Patience;
    }

    /// <summary>Whether the holder who asks is to be shed, because others wait and it is slow.</summary>
    /// <param name="bytesPerSecond">How fast it moves.</param>
    /// <param name="now">The time.</param>
    /// <returns>True for one holder at a time: it has to return what it holds.</returns>
    public bool TryShed(long bytesPerSecond, TimeSpan now)
    {
        lock (_gate)
        {
            if (_pressureSince is not { } since || now - _refusedAt > s_waitInterval) return false;
            if (now - since < Patience || now - _shedAt < ShedInterval || bytesPerSecond >= LeastRate(now - since)) return false;
            _shedAt = now;
            return true;
        }
    }

    // Doubles each second: the slowest are found first.
    private static long LeastRate(TimeSpan pressure)
    {
        int doublings = (int)Math.Min((pressure - Patience).TotalSeconds, 30);
        return Math.Min(SlowestBytesPerSecond << doublings, FastestBytesPerSecond);
    }

    private bool TryAdd(long bytes, long limit)
    {
        long held = Volatile.Read(ref _bytes);
        while (bytes <= limit - held)
        {
            long seen = Interlocked.CompareExchange(ref _bytes, held + bytes, held);
            if (seen == held) return true;
            held = seen;
        }

        return false;
    }

    // What is reserved is among what is held, and neither is ever less than nothing.
    [Conditional("DEBUG")]
    private void AssertInvariant() =>
        Debug.Assert(Volatile.Read(ref _bytes) >= 0 && Volatile.Read(ref _reserved) >= 0, "More bytes were returned than were taken.");
}
