using System.Runtime.InteropServices;

namespace Broker.Core.Deflate;

/// <summary>The zlib that every .NET runtime carries for System.IO.Compression, called by its own name.</summary>
/// <remarks>
/// The public streams offer neither a window size, nor a flush that leaves no context behind, nor a decompressor that starts
/// anew, and permessage-deflate needs all three. <c>ZLibTests</c> fails loudly when a runtime changes what is here.
/// </remarks>
internal static unsafe partial class ZLib
{
    internal const int SyncFlush = 2, FullFlush = 3;
    internal const int Ok = 0, StreamEnd = 1, BufferError = -5;

    private const string Library = "libSystem.IO.Compression.Native";
    private static int s_live;

    /// <summary>Native states that were begun and not ended.</summary>
    internal static int Live => Volatile.Read(ref s_live);

    /// <summary>Begins a compressor without header and trailer.</summary>
    internal static void BeginDeflate(ref Stream stream, int windowBits, int level)
    {
        const int Deflated = 8, MemoryLevel = 8, DefaultStrategy = 0;
        fixed (Stream* s = &stream) Check(DeflateInit(s, level, Deflated, -windowBits, MemoryLevel, DefaultStrategy));
    }

    /// <summary>Begins a decompressor without header and trailer.</summary>
    internal static void BeginInflate(ref Stream stream)
    {
        fixed (Stream* s = &stream) Check(InflateInit(s, -DeflateOffer.WindowBitsMax));
    }

    /// <summary>Notes that a state was ended.</summary>
    internal static void Ended() => Interlocked.Decrement(ref s_live);

    private static void Check(int answer)
    {
        if (answer != Ok) throw new InsufficientMemoryException($"zlib did not begin: {answer}.");
        Interlocked.Increment(ref s_live);
    }

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateInit2_")]
    private static partial int DeflateInit(Stream* stream, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Deflate")]
    internal static partial int Deflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateEnd")]
    internal static partial int DeflateEnd(Stream* stream);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    private static partial int InflateInit(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    internal static partial int Inflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    internal static partial int InflateReset(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    internal static partial int InflateEnd(Stream* stream);

    /// <summary>What the library and its caller tell each other.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Stream
    {
        internal byte* NextIn;
        internal byte* NextOut;
        internal nint Message;
        internal nint State;
        internal uint AvailableIn;
        internal uint AvailableOut;
    }
}
