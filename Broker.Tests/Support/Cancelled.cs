namespace Broker.Tests.Support;

/// <summary>What a method that never answers waits for.</summary>
internal static class Cancelled
{
    /// <summary>Ends when it is cancelled, and by nothing else.</summary>
    /// <exception cref="OperationCanceledException">Always.</exception>
    public static async Task WhenAsync(CancellationToken cancellationToken)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration =
            cancellationToken.Register(() => cancelled.TrySetCanceled(cancellationToken));
        await cancelled.Task;
    }
}
