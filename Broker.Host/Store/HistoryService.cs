using Broker.Actors.Channels;
using Broker.Actors.Channels.History;
using Broker.Store;
using Broker.Store.History;
using Serilog;
using Serilog.Events;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Store;

/// <summary>Opens the channel histories that outlive this process.</summary>
public static class HistoryService
{
    /// <summary>Opens them, if a folder is set; what happens to them is told in the process's log.</summary>
    /// <param name="settings">Where they are.</param>
    /// <param name="time">The clock.</param>
    /// <returns>Null where no folder is set.</returns>
    /// <exception cref="StoreException">They cannot be opened; names the folder.</exception>
    public static DurableHistories? Open(HistorySettings settings, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Path.Length == 0) return null;
        ILogger log = Log.Logger;
        return DurableHistories.Open(settings.Path, time, new HistoryBudget(settings.BytesMax), new DurableHistorySettings
        {
            BytesMax = settings.DiskBytesMax,
            Notify = notice => log.Write(notice.IsError ? LogEventLevel.Error : LogEventLevel.Warning, "{Notice:l}", notice.Text),
        });
    }
}
