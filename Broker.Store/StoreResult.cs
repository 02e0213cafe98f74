using Broker.Core.Protocol.Transfers;

namespace Broker.Store;

/// <summary>The result of a call: bytes, or where the database has them.</summary>
/// <param name="Bytes">The bytes, if there is no source.</param>
/// <param name="Source">The code that takes it disposes of it.</param>
public readonly record struct StoreResult(ReadOnlyMemory<byte> Bytes, IChunkSource? Source);
