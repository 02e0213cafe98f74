using System.Buffers.Binary;
using System.Text;

namespace Broker.Tests.Hostile;

/// <summary>Bytes that no well-behaved client sends, and some that one does; made by hand, with none of the product's code.</summary>
internal static class HostileClient
{
    public const byte Continuation = 0x00, Text = 0x81, TextBegins = 0x01, Binary = 0x82, BinaryBegins = 0x02, Close = 0x88, Ping = 0x89;

    private const byte Masked = 0x80;

    /// <summary>The whole upgrade request for a path.</summary>
    public static byte[] Upgrade(string path, string moreFields = "") => Encoding.ASCII.GetBytes(
        $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{moreFields}\r\n");

    /// <summary>A masked frame; its key is zeros, so that the payload stands in it as it is.</summary>
    public static byte[] Frame(byte first, ReadOnlySpan<byte> payload) => [.. Header(first, (ulong)payload.Length), .. payload];

    /// <summary>A masked text frame.</summary>
    public static byte[] Line(string text) => Frame(Text, Encoding.UTF8.GetBytes(text));

    /// <summary>A masked header that declares whatever it likes, in the form that fits.</summary>
    public static byte[] Header(byte first, ulong declared)
    {
        byte[] wide = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(wide, declared);
        byte[] start = declared switch
        {
            <= 125 => [first, (byte)(Masked | declared)],
            <= ushort.MaxValue => [first, Masked | 126, .. wide[6..]],
            _ => [first, Masked | 127, .. wide],
        };
        return [.. start, 0, 0, 0, 0];
    }

    /// <summary>The same bytes so many times.</summary>
    public static byte[] Repeat(byte[] bytes, int times)
    {
        byte[] all = new byte[bytes.Length * times];
        for (int i = 0; i < times; i++) bytes.CopyTo(all, i * bytes.Length);
        return all;
    }
}
