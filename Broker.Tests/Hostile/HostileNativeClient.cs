using System.Buffers.Binary;
using System.Text;

namespace Broker.Tests.Hostile;

/// <summary>Messages of the native protocol as docs/PROTOCOL.md prints them, made by hand, and some that it forbids.</summary>
internal static class HostileNativeClient
{
    public const string Path = "/ws";
    public const byte Welcome = 0x02, Error = 0x05;

    /// <summary>Version 1, no compression, frames of 1 MiB, windows of 4 chunks and 8 items, no name and no token.</summary>
    public static byte[] Hello { get; } = HelloOf(version: 1, longest: 1 << 20);

    /// <summary>A hello without compression and name, with windows of 4 chunks and 8 items.</summary>
    public static byte[] HelloOf(byte version, uint longest, string token = "") =>
        Message(0x01, [version, 0, 0, .. Bytes(longest), .. Bytes(4), .. Bytes(8), 0, .. Encoding.UTF8.GetBytes(token)]);

    /// <summary>The field of a request that offers a subprotocol.</summary>
    public static string Offer(string subprotocol) => $"Sec-WebSocket-Protocol: {subprotocol}\r\n";

    /// <summary>A message with a head that tells the truth about its body.</summary>
    public static byte[] Message(byte kind, ReadOnlySpan<byte> body) => Message(kind, (uint)body.Length, body);

    /// <summary>A message whose head declares whatever it likes.</summary>
    public static byte[] Message(byte kind, uint declared, ReadOnlySpan<byte> body) => [kind, .. Bytes(declared), .. body];

    /// <summary>A ping with a mark.</summary>
    public static byte[] Ping(byte mark) => Message(0x03, [mark, 0, 0, 0, 0, 0, 0, 0]);

    /// <summary>A subscription without recovery.</summary>
    public static byte[] Subscribe(uint request, string channel) =>
        Message(0x10, [.. Bytes(request), 0, .. new byte[16], .. Text(channel)]);

    /// <summary>A publication.</summary>
    public static byte[] Publish(uint request, string channel, ReadOnlySpan<byte> data) =>
        Message(0x14, [.. Bytes(request), .. Text(channel), .. data]);

    /// <summary>A call of a method by its number, without options and deadline.</summary>
    public static byte[] Call(uint call, ulong method, ReadOnlySpan<byte> arguments) =>
        Message(0x20, [.. Bytes(call), .. Bytes((uint)method), .. Bytes((uint)(method >> 32)), .. Bytes(0), 0, .. arguments]);

    /// <summary>The errors among the messages of a server's payload, in words; the messages have to be whole.</summary>
    public static List<string> ErrorsIn(ReadOnlySpan<byte> messages)
    {
        var errors = new List<string>();
        while (!messages.IsEmpty)
        {
            int end = 5 + BinaryPrimitives.ReadInt32LittleEndian(messages[1..]);
            if (messages[0] == Error)
                errors.Add(FormattableString.Invariant(
                    $"scope {messages[5]}, error {BinaryPrimitives.ReadUInt16LittleEndian(messages[6..])}"));
            messages = messages[end..];
        }

        return errors;
    }

    private static byte[] Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return [(byte)bytes.Length, (byte)(bytes.Length >> 8), .. bytes];
    }

    private static byte[] Bytes(uint number)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, number);
        return bytes;
    }
}
