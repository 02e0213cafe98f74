using System.Diagnostics;
using System.Globalization;

namespace Broker.Bench.Memory;

/// <summary>What the process holds at one time, in bytes.</summary>
/// <param name="Live">Objects that can be reached; -1 where nothing was collected.</param>
/// <param name="Resident">Memory of the process that is in RAM.</param>
/// <param name="Allocated">All that was ever allocated.</param>
internal readonly record struct Footprint(long Live, long Resident, long Allocated)
{
    /// <summary>As it is, with whatever garbage there is.</summary>
    public static Footprint Now() => new(-1, Environment.WorkingSet, GC.GetTotalAllocatedBytes(precise: true));

    /// <summary>After a collection that returns what it can.</summary>
    public static Footprint Collected(out TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        time = Stopwatch.GetElapsedTime(start);
        return new Footprint(
            GC.GetTotalMemory(forceFullCollection: false), Environment.WorkingSet, GC.GetTotalAllocatedBytes(precise: true));
    }

    /// <summary>Prints what so many things made of the difference.</summary>
    /// <param name="what">One of the things.</param>
    /// <param name="count">How many were made.</param>
    /// <param name="took">In which time.</param>
    /// <param name="before">Collected, before the first.</param>
    public static void Print(string what, int count, TimeSpan took, Footprint before)
    {
        Footprint after = Now();
        Footprint collected = Collected(out TimeSpan pause);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"""
            {count:N0} × {what} in {took.TotalSeconds:F2} s, bytes for each:
              allocated            {Each(after.Allocated - before.Allocated):F0}
              resident right after {Each(after.Resident - before.Resident):F0}
              resident, collected  {Each(collected.Resident - before.Resident):F0}   (the collection took {pause.TotalMilliseconds:F0} ms)
              live                 {Each(collected.Live - before.Live):F0}
            """));

        double Each(long bytes) => (double)bytes / count;
    }
}
