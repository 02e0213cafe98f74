using Akka.Event;
using Broker.Reactor.Sockets;

namespace Broker.Actors.Runtime;

/// <summary>Logs when the file descriptors for clients are used up, and when that is over: one line each.</summary>
internal sealed class DescriptorLog : IDisposable
{
    private readonly ILoggingAdapter _log;
    private readonly DescriptorReserve _reserve;

    internal DescriptorLog(ILoggingAdapter log, DescriptorReserve reserve)
    {
        _log = log;
        _reserve = reserve;
        _reserve.Changed += OnChanged;
    }

    public void Dispose() => _reserve.Changed -= OnChanged;

    private void OnChanged(bool isShort)
    {
        if (isShort)
            _log.Warning(
                "File descriptors are used up: the limit is {0}, and {1} are kept for the process itself. New clients wait; raise the "
                    + "limit (ulimit -n, LimitNOFILE=).", _reserve.Limit, _reserve.Size);
        else _log.Info("File descriptors are free again; clients are accepted.");
    }
}
