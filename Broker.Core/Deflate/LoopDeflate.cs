using Broker.Core.Buffers;

namespace Broker.Core.Deflate;

/// <summary>
/// What the connections of one loop share for compression: one decompressor, and one compressor for each window. Made when
/// first needed, and used for one whole message at a time.
/// </summary>
/// <param name="pool">The loop's pool.</param>
public sealed class LoopDeflate(BufferPool pool) : IDisposable
{
    private readonly Deflater?[] _deflaters = new Deflater?[DeflateOffer.WindowBitsMax + 1];

    /// <summary>The loop's pool.</summary>
    internal BufferPool Pool { get; } = pool;

    /// <summary>The decompressor; to be reset before each message.</summary>
    internal Inflater Inflater => field ??= new Inflater();

    /// <summary>The compressor of a window; no message may leave a context in it.</summary>
    internal Deflater DeflaterOf(int windowBits) => _deflaters[windowBits] ??= new Deflater(windowBits);

    /// <summary>Gives the native memory back. What is needed afterwards is made anew.</summary>
    public void Dispose()
    {
        Inflater.Dispose();
        foreach (Deflater? deflater in _deflaters) deflater?.Dispose();
    }
}
