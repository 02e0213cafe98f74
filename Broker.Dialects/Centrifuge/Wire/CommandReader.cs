using System.Buffers;
using System.Text.Json;

namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>Reads the commands of one text frame, one at a time: JSON objects with a line feed between them.</summary>
/// <param name="frame">The whole payload of one text message, UTF-8 already checked. Borrowed.</param>
/// <remarks>
/// Lazy: a line is not looked at before it is asked for, so a caller that counts <see cref="Index"/> bounds the work.
/// Nothing is allocated unless a text or a name is escaped.
/// </remarks>
public ref struct CommandReader(ReadOnlySpan<byte> frame) : ICommandReader
{
    private readonly int _length = frame.Length;
    private ReadOnlySpan<byte> _rest = frame;

    /// <summary>Bytes of the frame that were read, with the command that was read last.</summary>
    public readonly int Position => _length - _rest.Length;

    /// <summary>Which line was read last, from 0; -1 before the first.</summary>
    public int Index { get; private set; } = -1;

    /// <summary>What is wrong, in words for a log, after <c>InvalidData</c>; else null. Holds nothing of the client's.</summary>
    public string? Reason { get; private set; }

    /// <summary>Reads the next command.</summary>
    /// <param name="command">The command, valid as long as the frame is; <c>default</c> on any answer but <c>Done</c>.</param>
    /// <returns>
    /// <c>Done</c>: one command was read; <see cref="Index"/> moved by one.
    /// <c>NeedMoreData</c>: the frame holds no more commands, and held at least one.
    /// <c>InvalidData</c>: close with 3501, bad request; <see cref="Reason"/> says why, and so it stays for this frame.
    /// The official server closes with 3501 likewise on an empty frame, on a blank line (one line feed at the end of the
    /// frame is fine), on malformed JSON, on a member of the wrong type or out of its range, and on a command that has a
    /// method and no id, except that it takes such a command for a pong if a ping is out. Here, that is always refused.
    /// Also refused here, where the official server is lenient: two methods in one command (it takes the first of its own
    /// order), more text after the object (it ignores that), <c>null</c> for a command (it takes that for a pong), nesting
    /// deeper than <see cref="CentrifugeProtocol.DepthMax"/>, escaped halves of surrogate pairs (it makes them U+FFFD, so
    /// that two names become one), and names of members in another letter case (it takes them; here they are unknown).
    /// As there, unknown members are ignored, null is like absent, and of a repeated member the last one counts.
    /// </returns>
    public OperationStatus Read(out Command command)
    {
        command = default;
        if (Reason is not null) return OperationStatus.InvalidData;
        if (_rest.IsEmpty && Index >= 0) return OperationStatus.NeedMoreData;
        if (_rest.IsEmpty) return Refuse("The frame is empty.");

        int end = _rest.IndexOf((byte)'\n');
        ReadOnlySpan<byte> line = end < 0 ? _rest : _rest[..end];
        _rest = end < 0 ? default : _rest[(end + 1)..];
        Index++;
        if (line.IsEmpty) return Refuse("A line is blank.");

        string? reason = Parse(line, ref command);
        if (reason is null) return OperationStatus.Done;
        command = default;
        return Refuse(reason);
    }

    private static string? Parse(ReadOnlySpan<byte> line, ref Command command)
    {
        try
        {
            var parser = new CommandParser(line);
            parser.Parse(ref command);
            return parser.Reason;
        }
        catch (JsonException)
        {
            return "The line is not one well-formed JSON object, or it is nested too deep.";
        }
    }

    private OperationStatus Refuse(string reason)
    {
        Reason = reason;
        return OperationStatus.InvalidData;
    }
}
