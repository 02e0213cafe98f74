using System.Buffers.Binary;
using System.Text;

namespace Broker.Tests.Hostile;

/// <summary>Messages of the native protocol as docs/PROTOCOL.md prints them, made by hand, and some that it forbids.</summary>
internal static class HostileNativeClient
{
    public const string Path = "/ws";
    public const byte Welcome = 0x02, Pong = 0x04, Error = 0x05, Fault = 0x22;

    /// <summary>Version 1, no compression, frames of 1 MiB, windows of 4 chunks and 8 items, no name and no token.</summary>
    public static byte[] Hello { get; } = HelloOf(version: 1, longest: 1 << 20);

    /// <summary>A hello without compression and name, with a window of 8 items.</summary>
    public static byte[] HelloOf(byte version, uint longest, string token = "", uint chunks = 4) =>
        Message(0x01, [version, 0, 0, .. Bytes(longest), .. Bytes(chunks), .. Bytes(8), 0, .. Encoding.UTF8.GetBytes(token)]);

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

    /// <summary>A call of a method by its number.</summary>
    public static byte[] Call(uint call, ulong method, ReadOnlySpan<byte> arguments, uint deadline = 0, byte options = 0) =>
        Message(0x20, [.. Bytes(call), .. Bytes((uint)method), .. Bytes((uint)(method >> 32)), .. Bytes(deadline), options, .. arguments]);

    /// <summary>The end of a call that its caller wants no longer.</summary>
    public static byte[] CancelCall(uint call) => Message(0x23, Bytes(call));

    /// <summary>A further argument of a call.</summary>
    public static byte[] Item(uint call, ReadOnlySpan<byte> data) => Message(0x24, [.. Bytes(call), .. data]);

    /// <summary>The end of a call's further arguments.</summary>
    public static byte[] ItemsEnd(uint call) => Message(0x25, Bytes(call));

    /// <summary>The header of a transfer; it is a message unless something else is said.</summary>
    public static byte[] Stream(uint stream, ulong bytes, byte purpose = 0, uint call = 0) =>
        Message(0x30, [.. Bytes(stream), purpose, .. Bytes(call), .. Bytes((uint)bytes), .. Bytes((uint)(bytes >> 32))]);

    /// <summary>A chunk of a transfer.</summary>
    public static byte[] Chunk(uint stream, uint index, uint total, ReadOnlySpan<byte> data) =>
        Message(0x31, [.. Bytes(stream), .. Bytes(index), .. Bytes(total), .. data]);

    /// <summary>The end of a transfer of the sender, before its last chunk.</summary>
    public static byte[] CancelStream(uint stream) => Message(0x33, [0, .. Bytes(stream), 0, 0]);

    /// <summary>The end of a transfer of the other side, before its last chunk, or an error that rejects it.</summary>
    public static byte[] RefuseStream(uint stream, ushort code) => Message(0x33, [1, .. Bytes(stream), (byte)code, (byte)(code >> 8)]);

    /// <summary>Lets the other side send more chunks of a transfer.</summary>
    public static byte[] Credit(uint stream, uint chunks) => Message(0x32, [0, .. Bytes(stream), .. Bytes(chunks)]);

    /// <summary>The errors and faults among the messages of a server's payload, in words; the messages have to be whole.</summary>
    public static List<string> ErrorsIn(ReadOnlySpan<byte> messages)
    {
        var errors = new List<string>();
        while (!messages.IsEmpty)
        {
            int end = 5 + BinaryPrimitives.ReadInt32LittleEndian(messages[1..]);
            if (messages[0] == Error)
                errors.Add(FormattableString.Invariant(
                    $"scope {messages[5]}, error {BinaryPrimitives.ReadUInt16LittleEndian(messages[6..])}"));
            else if (messages[0] == Fault)
                errors.Add(FormattableString.Invariant($"fault {BinaryPrimitives.ReadUInt16LittleEndian(messages[9..])}"));
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
