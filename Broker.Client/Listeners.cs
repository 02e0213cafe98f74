namespace Broker.Client;

/// <summary>Calls what the application gave to be called: what that throws is the application's, and changes nothing here.</summary>
/// <remarks>
/// It is not lost: it reaches <see cref="TaskScheduler.UnobservedTaskException"/>, like that of any task that is not awaited.
/// </remarks>
internal static class Listeners
{
    /// <summary>Reports how far something has come.</summary>
    public static void Notify(this IProgress<TransferProgress>? progress, long bytes, long total)
    {
        if (progress is null) return;
        try
        {
            progress.Report(new TransferProgress(bytes, total));
        }
        catch (Exception failure)
        {
            _ = Task.FromException(failure);
        }
    }

    /// <summary>Notifies each listener, whatever the others throw.</summary>
    /// <param name="listeners">Of an event; none if there is no listener.</param>
    /// <param name="notify">Calls one.</param>
    public static void Notify<T>(this T? listeners, Action<T> notify)
        where T : Delegate
    {
        if (listeners is null) return;
        foreach (T listener in Delegate.EnumerateInvocationList(listeners))
        {
            try
            {
                notify(listener);
            }
            catch (Exception failure)
            {
                _ = Task.FromException(failure);
            }
        }
    }
}
