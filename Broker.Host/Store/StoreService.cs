using Broker.Actors.Model;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;
using Broker.Host.Settings;
using Broker.Store;

namespace Broker.Host.Store;

/// <summary>The keyed store of this process, open from before the hub starts until after it has stopped, and its methods.</summary>
public sealed class StoreService : IMethodSource, IDisposable
{
    private static readonly HashSet<string> s_writing = [StoreMethods.Write, StoreMethods.BatchWrite, StoreMethods.Delete, StoreMethods.WriteStream];

    private readonly KeyedStore _store;
    private readonly StoreHandlers _handlers;
    private readonly StoreStreams _streams;
    private readonly StoreAccess _anonymous;

    private StoreService(KeyedStore store, HostStoreSettings settings)
    {
        _store = store;
        _handlers = new StoreHandlers(store, settings.ResultBytesMax);
        _streams = new StoreStreams(store, settings.StreamsMax, settings.StreamIdleLimit, TimeProvider.System);
        _anonymous = settings.Anonymous;
    }

    /// <summary>Opens the store, if one is set.</summary>
    /// <param name="settings">Where it is, and its bounds.</param>
    /// <returns>Null where no path is set.</returns>
    /// <exception cref="StoreException">It cannot be opened: another process has it, it is broken, or is no store. Names the path.</exception>
    public static StoreService? Open(HostStoreSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.Path.Length == 0 ? null : new StoreService(KeyedStore.Open(Path.GetFullPath(settings.Path), settings.Bounds), settings);
    }

    /// <inheritdoc />
    public void AddTo(Methods methods)
    {
        ArgumentNullException.ThrowIfNull(methods);
        foreach ((string name, Func<ReadOnlyMemory<byte>, StoreResult> handler) in _handlers.Pinned)
        {
            methods.Add(name, (call, _) =>
            {
                Check(call.Caller, StoreAccess.Read);
                StoreResult result = handler(call.Arguments);
                return new(result.Source is { } source ? call.Return(source) : result.Bytes);
            });
        }

        foreach ((string name, StoreHandler handler) in _handlers.All)
        {
            if (_handlers.Pinned.ContainsKey(name)) continue;
            StoreAccess needed = s_writing.Contains(name) ? StoreAccess.Write : StoreAccess.Read;
            methods.Add(name, (call, _) =>
            {
                Check(call.Caller, needed);
                return new(handler(call.Arguments));
            });
        }

        foreach ((string name, StoreStreamHandler handler) in _streams.All)
        {
            StoreAccess needed = s_writing.Contains(name) ? StoreAccess.Write : StoreAccess.Read;
            methods.Add(name, (call, cancel) =>
            {
                Check(call.Caller, needed);
                return new(handler(new StoreCall(call.Arguments, call.Items, call.SayAsync), cancel));
            });
        }
    }

    /// <summary>Writes what waits, makes it outlive the machine, and closes. Calls that still run are answered that the store is closed.</summary>
    public void Dispose() => _store.Dispose();

    private void Check(Principal caller, StoreAccess needed)
    {
        if (caller.User.Length > 0 || _anonymous >= needed) return;
        string what = needed == StoreAccess.Write ? "change" : "read";
        throw new CallFaultException(FaultCode.PermissionDenied, $"anonymous clients may not {what} the store (broker.store.anonymous)");
    }
}
