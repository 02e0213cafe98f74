namespace Broker.Tests.Support;

/// <summary>What a piece of code allocates.</summary>
internal static class Allocations
{
    private const int RunsMax = 20;

    /// <summary>Runs the work a few times, after once to warm up, and gives the bytes of the run that allocated least.</summary>
    /// <param name="work">What is measured.</param>
    /// <param name="enough">A run that allocates no more than so many bytes is the last.</param>
    /// <remarks>
    /// What code allocates, it allocates in every run. A collection that another test causes meanwhile counts the unused rest
    /// of this thread's allocation block, up to 8 KiB, as allocated; but not in every run.
    /// </remarks>
    public static long Least(Action work, long enough = 0)
    {
        work();
        long least = long.MaxValue;
        for (int run = 0; run < RunsMax && least > enough; run++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            work();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
