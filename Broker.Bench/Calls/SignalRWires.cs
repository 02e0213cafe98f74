using System.Buffers;
using System.Globalization;
using System.Text;
using Broker.Core.Framing;

namespace Broker.Bench.Calls;

/// <summary>As much of one of SignalR's protocols as an invocation takes.</summary>
internal interface ISignalRWire
{
    /// <summary>As the handshake names it.</summary>
    string Name { get; }

    /// <summary>Of its frames.</summary>
    Opcode Opcode { get; }

    /// <summary>Writes one invocation.</summary>
    void Write(IBufferWriter<byte> target, int id);

    /// <summary>Takes the first message of several.</summary>
    /// <param name="messages">Whole messages, and perhaps the beginning of one.</param>
    /// <param name="message">The message alone.</param>
    /// <param name="bytes">How much it is with what is around it.</param>
    bool TryTake(ReadOnlySpan<byte> messages, out ReadOnlySpan<byte> message, out int bytes);

    /// <summary>Whether a message is the server's ping.</summary>
    bool IsPing(ReadOnlySpan<byte> message);

    /// <summary>Whether a message is an invocation's end with a result.</summary>
    bool IsResult(ReadOnlySpan<byte> message);
}

/// <summary>The JSON protocol: a record separator behind each message.</summary>
internal sealed class SignalRJson : ISignalRWire
{
    private const byte Separator = 0x1e;

    public string Name => "json";

    public Opcode Opcode => Opcode.Text;

    public void Write(IBufferWriter<byte> target, int id) => Encoding.UTF8.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
            $$"""{"type":1,"invocationId":"{{id}}","target":"Same","arguments":["{{InvokeRun.ArgumentText}}"]}{{(char)Separator}}"""),
                target);

    public bool TryTake(ReadOnlySpan<byte> messages, out ReadOnlySpan<byte> message, out int bytes)
    {
        int end = messages.IndexOf(Separator);
        bytes = end + 1;
        message = messages[..Math.Max(0, end)];
        return end >= 0;
    }

    public bool IsPing(ReadOnlySpan<byte> message) => message.SequenceEqual("""{"type":6}"""u8);

    public bool IsResult(ReadOnlySpan<byte> message) =>
        message.StartsWith("""{"type":3,"""u8) && message.EndsWith(""","result":"0123456789abcdef"}"""u8);
}

/// <summary>The MessagePack protocol: the length before each message.</summary>
internal sealed class SignalRMessagePack : ISignalRWire
{
    // [1, {}, id, target, [data], []] and [3, {}, id, kind 3 for a result, data] and [6].
    private static readonly byte[] s_front = [0x96, 0x01, 0x80];
    private static readonly byte[] s_target = [0xa5, .. "Bytes"u8, 0x91];
    private static readonly byte[] s_data = [0xc4, 16, .. "0123456789abcdef"u8];

    public string Name => "messagepack";

    public Opcode Opcode => Opcode.Binary;

    public void Write(IBufferWriter<byte> target, int id)
    {
        Span<byte> digits = stackalloc byte[16];
        id.TryFormat(digits, out int length, default, CultureInfo.InvariantCulture);
        int bytes = s_front.Length + 1 + length + s_target.Length + s_data.Length + 1;
        target.Write<byte>([(byte)bytes]);                    // Under 128, so in one byte.
        target.Write(s_front);
        target.Write<byte>([(byte)(0xa0 | length)]);
        target.Write(digits[..length]);
        target.Write(s_target);
        target.Write(s_data);
        target.Write<byte>([0x90]);
    }

    public bool TryTake(ReadOnlySpan<byte> messages, out ReadOnlySpan<byte> message, out int bytes)
    {
        int length = 0, at = 0;
        bytes = 0;
        message = default;
        do
        {
            if (at == messages.Length) return false;
            length |= (messages[at] & 0x7f) << (7 * at);
        }
        while ((messages[at++] & 0x80) != 0);

        if (messages.Length - at < length) return false;
        message = messages.Slice(at, length);
        bytes = at + length;
        return true;
    }

    public bool IsPing(ReadOnlySpan<byte> message) => message.SequenceEqual((ReadOnlySpan<byte>)[0x91, 0x06]);

    public bool IsResult(ReadOnlySpan<byte> message) =>
        message.StartsWith((ReadOnlySpan<byte>)[0x95, 0x03, 0x80]) && message.EndsWith(s_data);
}
