using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Calls.Methods;

/// <summary>What a call that runs does for its handler, by way of <see cref="MethodCall"/>.</summary>
internal interface IRunningCall
{
    /// <summary>The further arguments, in their order.</summary>
    IAsyncEnumerable<ReadOnlyMemory<byte>> ReadItemsAsync();

    /// <summary>Sends one of several results.</summary>
    ValueTask SendAsync(ReadOnlyMemory<byte> item);

    /// <summary>Sends one of several results; the call owns the source.</summary>
    ValueTask SendAsync(IChunkSource item, CancellationToken cancellationToken);

    /// <summary>Sets the result; the call owns the source.</summary>
    void Give(IChunkSource result);
}
