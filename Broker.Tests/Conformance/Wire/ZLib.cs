using System.Runtime.InteropServices;

namespace Broker.Tests.Conformance.Wire;

/// <summary>The zlib that every .NET runtime carries for System.IO.Compression.</summary>
/// <remarks>
/// Called by hand because DeflateStream offers neither a window size nor a sync flush that a test can cut,
/// and permessage-deflate needs both. RFC 7692 section 7.2.
/// </remarks>
internal static unsafe partial class ZLib
{
    public const int SyncFlush = 2;
    public const int Ok = 0;
    public const int StreamEnd = 1;
    public const int BufferError = -5;
    public const int DefaultStrategy = 0;
    public const int HuffmanOnly = 2;

    private const string Library = "libSystem.IO.Compression.Native";
    private const int Deflated = 8;

    /// <summary>Starts a compressor without header and trailer.</summary>
    public static void StartDeflate(ref Stream stream, int windowBits)
    {
        // zlib has no raw window of 8 bits. Without matches, a stream of the next window fits any window.
        int strategy = windowBits == 8 ? HuffmanOnly : DefaultStrategy;
        fixed (Stream* s = &stream) Check(DeflateInit2(s, level: 6, Deflated, -Math.Max(windowBits, 9), memoryLevel: 8, strategy));
    }

    /// <summary>Starts a decompressor without header and trailer.</summary>
    public static void StartInflate(ref Stream stream, int windowBits)
    {
        fixed (Stream* s = &stream) Check(InflateInit2(s, -windowBits));
    }

    private static void Check(int answer)
    {
        if (answer != Ok) throw new InvalidOperationException($"zlib did not start: {answer}.");
    }

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateInit2_")]
    private static partial int DeflateInit2(Stream* stream, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Deflate")]
    public static partial int Deflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateEnd")]
    public static partial int DeflateEnd(Stream* stream);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    private static partial int InflateInit2(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    public static partial int Inflate(Stream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    public static partial int InflateEnd(Stream* stream);

    /// <summary>The state that the library shares with its caller.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Stream
    {
        public byte* NextIn;
        public byte* NextOut;
        public nint Message;
        public nint State;
        public uint AvailableIn;
        public uint AvailableOut;
    }
}
