using Broker.Core.Protocol.Transfers;

namespace Broker.Store;

/// <summary>A call that has items, as the store sees it.</summary>
/// <param name="Arguments">Those that came first; must not change before the answer.</param>
/// <param name="Items">Those that follow, each the store's until the next is asked for.</param>
/// <param name="SendAsync">Says a result before the last one, once the caller takes it; disposes of it in any case.</param>
public sealed record StoreCall(
    ReadOnlyMemory<byte> Arguments,
    IAsyncEnumerable<ReadOnlyMemory<byte>> Items,
    Func<IChunkSource, CancellationToken, ValueTask> SendAsync)
{
    /// <summary>Who calls, for the share of each; null where callers are not told apart.</summary>
    public object? Client { get; init; }
}

/// <summary>Answers one call that has items.</summary>
/// <param name="call">The call.</param>
/// <param name="cancellationToken">Cancelled when no caller waits for the answer any more.</param>
/// <returns>The last result. Fails with a <see cref="Core.Protocol.Calls.CallFaultException"/>.</returns>
public delegate Task<ReadOnlyMemory<byte>> StoreStreamHandler(StoreCall call, CancellationToken cancellationToken);
