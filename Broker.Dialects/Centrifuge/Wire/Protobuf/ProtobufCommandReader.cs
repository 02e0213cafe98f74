using System.Buffers;

namespace Broker.Dialects.Centrifuge.Wire.Protobuf;

/// <summary>Reads the commands of one frame of the Protobuf form, one at a time: each is a varint length and so many bytes.</summary>
/// <param name="frame">The whole payload of one message. Borrowed.</param>
/// <remarks>
/// Lazy: a command is not looked at before it is asked for, so a caller that counts <see cref="Index"/> bounds the work.
/// Nothing is allocated but for the <see cref="Command.Subs"/>, <see cref="Command.Headers"/> and
/// <see cref="Command.TagsFilter"/> that a command really has.
/// </remarks>
public ref struct ProtobufCommandReader(ReadOnlySpan<byte> frame) : ICommandReader
{
    private readonly int _length = frame.Length;
    private ReadOnlySpan<byte> _rest = frame;

    /// <inheritdoc />
    public readonly int Position => _length - _rest.Length;

    /// <inheritdoc />
    public int Index { get; private set; } = -1;

    /// <inheritdoc />
    public string? Reason { get; private set; }

    /// <summary>Reads the next command. A length of 0 is a pong.</summary>
    /// <param name="command">The command, valid as long as the frame is; <c>default</c> on any answer but <c>Done</c>.</param>
    /// <returns>
    /// <c>Done</c>: one command was read; <see cref="Index"/> moved by one.
    /// <c>NeedMoreData</c>: the frame holds no more commands, and held at least one.
    /// <c>InvalidData</c>: close with 3501, bad request: an empty frame; a length beyond the frame; a varint that is disconnected
    /// or has more than 64 bits; a known field of the wrong wire type or out of its range; a group; a text that is not UTF-8;
    /// two methods; a method other than send without an id; a filter that is nested too deep. <see cref="Reason"/> says
    /// why, and so it stays for this frame. Unknown fields are skipped, and of a repeated single field the last one counts.
    /// </returns>
    public OperationStatus Read(out Command command)
    {
        command = default;
        if (Reason is not null) return OperationStatus.InvalidData;
        if (_rest.IsEmpty && Index >= 0) return OperationStatus.NeedMoreData;
        if (_rest.IsEmpty) return Refuse("The frame is empty.");

        int size = ProtobufReader.ReadVarint(_rest, out ulong length);
        if (size <= 0) return Refuse("The length of a command is malformed.");
        if (length > (ulong)(_rest.Length - size)) return Refuse("A command is longer than its frame.");
        ReadOnlySpan<byte> message = _rest.Slice(size, (int)length);
        _rest = _rest[(size + (int)length)..];
        Index++;

        if (Parse(message, ref command) is not { } reason) return OperationStatus.Done;
        command = default;
        return Refuse(reason);
    }

    private static string? Parse(ReadOnlySpan<byte> message, ref Command command)
    {
        var parser = new ProtobufCommandParser(message);
        return parser.Parse(ref command);
    }

    private OperationStatus Refuse(string reason)
    {
        Reason = reason;
        return OperationStatus.InvalidData;
    }
}
