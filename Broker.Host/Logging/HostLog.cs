using Serilog.Core;

namespace Broker.Host.Logging;

/// <summary>The process's log, with what may be changed about it.</summary>
/// <param name="Logger">Takes events from any thread, and never blocks.</param>
/// <param name="Levels">Which of them are written.</param>
/// <param name="Queue">Where they wait.</param>
internal sealed record HostLog(Logger Logger, LevelTable Levels, LogQueue Queue) : IDisposable
{
    /// <summary>Takes no more events, and waits a moment for those that are in the queue.</summary>
    public void Dispose()
    {
        Logger.Dispose();
        Queue.Dispose();
    }
}
