using Broker.Actors.Calls.Methods;
using Broker.Actors.Model;
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
    private static readonly HashSet<string> s_writing =
        [StoreMethods.Write, StoreMethods.BatchWrite, StoreMethods.Delete, StoreMethods.WriteStream];

    private static readonly TimeSpan s_readWaitLimit = TimeSpan.FromSeconds(30);

    private readonly KeyedStore _store;
    private readonly StoreHandlers _handlers;
    private readonly StoreStreams _streams;
    private readonly StoreAccess _anonymous;
    private readonly PendingWrites _writes = new();

    private StoreService(KeyedStore store, HostStoreSettings settings)
    {
        _store = store;
        _handlers = new StoreHandlers(
            store, settings.ResultBytesMax,
                new ReadBudget(settings.ReadBytesMax, settings.ClientReadBytesMax, s_readWaitLimit, TimeProvider.System));
        _streams = new StoreStreams(store, settings.StreamsMax, settings.StreamIdleLimit, TimeProvider.System);
        _anonymous = settings.Anonymous;
    }

    /// <summary>Opens the store, if one is set.</summary>
    /// <param name="settings">Where it is, and its bounds.</param>
    /// <param name="notify">Gets what the one who runs it should know; on any thread.</param>
    /// <returns>Null where no path is set.</returns>
    /// <exception cref="StoreException">
    /// It cannot be opened: another process has it, it is broken, or is no store. Names the path.
    /// </exception>
    public static StoreService? Open(HostStoreSettings settings, Action<StoreNotice>? notify = null)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Path.Length == 0) return null;
        StoreSettings bounds = notify is null ? settings.Bounds : settings.Bounds with { Notify = notify };
        return new StoreService(KeyedStore.Open(Path.GetFullPath(settings.Path), bounds), settings);
    }

    /// <summary>Whether it can write, as far as its last try has shown.</summary>
    public StoreHealth Health => _store.Health;

    /// <inheritdoc />
    /// <remarks>
    /// A connection's calls take effect in the order in which they were read. Writes only begin in it, as the store's queue keeps their
    /// order, so that they share the disk; a read waits for its connection's writes, and those behind it for the read. Streams are
    /// no part of that: one takes effect when it is answered.
    /// </remarks>
    public void AddTo(MethodRegistry methods)
    {
        ArgumentNullException.ThrowIfNull(methods);
        foreach (string name in StoreMethods.Plain)
        {
            if (s_writing.Contains(name)) AddWriter(methods, name, _handlers.All[name]);
            else if (_handlers.Readers.TryGetValue(name, out StoreReader? reader))
                methods.Add(name, (call, cancellationToken) => ReadAsync(call, reader, cancellationToken), CallOrder.Done);
            else AddAsker(methods, name, _handlers.All[name]);
        }

        foreach ((string name, StoreStreamHandler handler) in _streams.All)
        {
            bool isWriting = s_writing.Contains(name);
            methods.Add(
                name,
                async (call, cancellationToken) =>
                {
                    Check(call.Caller, isWriting ? StoreAccess.Write : StoreAccess.Read);
                    if (!isWriting) await _writes.WhenDoneAsync(call.Caller.Client).ConfigureAwait(false);
                    return await handler(
                        new StoreCall(call.Arguments, call.Items, call.SendAsync) { Client = call.Caller.Client }, cancellationToken)
                            .ConfigureAwait(false);
                });
        }
    }

    private void AddWriter(MethodRegistry methods, string name, StoreHandler handler) => methods.Add(
        name,
        (call, _) =>
        {
            Check(call.Caller, StoreAccess.Write);
            Task<ReadOnlyMemory<byte>> writing = handler(call.Arguments);
            _writes.Add(call.Caller.Client, writing);
            return new(writing);
        },
        CallOrder.Begun);

    private async ValueTask<ReadOnlyMemory<byte>> ReadAsync(MethodCall call, StoreReader reader, CancellationToken cancellationToken)
    {
        Check(call.Caller, StoreAccess.Read);
        await _writes.WhenDoneAsync(call.Caller.Client).ConfigureAwait(false);
        StoreResult result = await reader(new StoreRequest(call.Arguments, call.Caller.Client), cancellationToken).ConfigureAwait(false);
        return result.Source is { } source ? call.Return(source) : result.Bytes;
    }

    private void AddAsker(MethodRegistry methods, string name, StoreHandler handler) => methods.Add(
        name,
        async (call, _) =>
        {
            Check(call.Caller, StoreAccess.Read);
            await _writes.WhenDoneAsync(call.Caller.Client).ConfigureAwait(false);
            return await handler(call.Arguments).ConfigureAwait(false);
        },
        CallOrder.Done);

    /// <summary>
    /// Writes what waits, makes it outlive the machine, and closes. Calls that still run are answered that the store is closed.
    /// </summary>
    public void Dispose() => _store.Dispose();

    private void Check(Principal caller, StoreAccess needed)
    {
        if (caller.User.Length > 0 || _anonymous >= needed) return;
        string what = needed == StoreAccess.Write ? "change" : "read";
        throw new CallFaultException(FaultCode.PermissionDenied, $"anonymous clients may not {what} the store (broker.store.anonymous)");
    }
}
