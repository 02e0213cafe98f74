namespace Broker.Core.Protocol.Transfers;

/// <summary>Takes the bytes of a stream in their order as they come, where it shall not be held as a whole.</summary>
public interface IChunkSink
{
    /// <summary>The next bytes. Must not call the table that calls it.</summary>
    /// <param name="bytes">Borrowed until the return.</param>
    void OnBytes(ReadOnlySpan<byte> bytes);
}
