using System.Buffers;
using System.IO.Hashing;
using System.Text;

namespace Broker.Cluster.Protocol.Interest;

/// <summary>
/// The hashes that digests are made of; part of the protocol between nodes. XXH3 of UTF-8, the parts of a hash behind their lengths.
/// </summary>
internal static class ChannelHash
{
    internal static ulong Of(string channel)
    {
        var hash = new XxHash3();
        Append(hash, channel);
        return hash.GetCurrentHashAsUInt64();
    }

    internal static ulong Of(string channel, string client, ReadOnlySpan<byte> info)
    {
        var hash = new XxHash3();
        Append(hash, channel);
        Append(hash, client);
        hash.Append(info);
        return hash.GetCurrentHashAsUInt64();
    }

    private static void Append(XxHash3 hash, string text)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(sizeof(int) + Encoding.UTF8.GetMaxByteCount(text.Length));
        int written = Encoding.UTF8.GetBytes(text, bytes.AsSpan(sizeof(int)));
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(bytes, written);
        hash.Append(bytes.AsSpan(0, sizeof(int) + written));
        ArrayPool<byte>.Shared.Return(bytes);
    }
}
