namespace Broker.Bench.Calls;

/// <summary>One connection that calls a method which gives back its argument, and counts the answers.</summary>
internal interface IInvoker : IDisposable
{
    /// <summary>Sends so many calls in one frame.</summary>
    ValueTask CallAsync(int calls, CancellationToken stop);

    /// <summary>Waits for one answer at least.</summary>
    /// <returns>How many came.</returns>
    ValueTask<int> AnswersAsync(CancellationToken stop);
}
