using Broker.Core.Buffers;
using Broker.Core.Framing;

namespace Broker.Dialects.Centrifuge.Forms;

/// <summary>Replies and pushes in the making, on their way to one connection or to many that have the same form.</summary>
/// <remarks>For one loop's thread. The code that seals it holds the bytes.</remarks>
/// <param name="form">How they stand in the bytes.</param>
/// <param name="begun">A batch in the making to go on with, as <see cref="Begun"/> gave it: a connection keeps nothing else.</param>
internal struct ReplyBatch(ReplyForm form, SharedBytes? begun = null)
{
    private SharedBytes? _bytes = begun;

    /// <summary>The batch in the making; null where there is no reply yet.</summary>
    internal readonly SharedBytes? Begun => _bytes;

    /// <summary>Bytes so far.</summary>
    internal readonly int Length => form.Framing == ReplyFraming.Joined ? Frame.Length : _bytes?.Length ?? 0;

    /// <summary>Whether there is none yet.</summary>
    internal readonly bool IsEmpty => _bytes is null;

    private readonly FrameBatch Frame => new(form.IsBinary, _bytes);

    /// <summary>Appends replies.</summary>
    /// <param name="replies">One, or several as they stand in one frame.</param>
    /// <param name="pool">Where the bytes come from.</param>
    internal void Append(ReadOnlySpan<byte> replies, BufferPool pool)
    {
        if (form.Framing == ReplyFraming.Joined)
        {
            FrameBatch frame = Frame;
            frame.Append(replies, pool);
            _bytes = frame.Begun;
            return;
        }

        _bytes ??= SharedBytes.Rent(pool, replies.Length + FrameHeader.SizeMax);
        if (form.IsBinary)
        {
            Put(_bytes, replies);
            return;
        }

        while (!replies.IsEmpty)
        {
            int end = replies.IndexOf((byte)'\n');
            AppendLine(_bytes, end < 0 ? replies : replies[..end]);
            replies = end < 0 ? default : replies[(end + 1)..];
        }
    }

    /// <summary>Ends what was appended and starts anew.</summary>
    /// <param name="start">Where it begins in the bytes.</param>
    /// <returns>The bytes; the caller is their holder.</returns>
    internal SharedBytes Seal(out int start)
    {
        start = 0;
        SharedBytes bytes = form.Framing == ReplyFraming.Joined ? Frame.Seal(out start)
            : _bytes ?? throw new InvalidOperationException("A batch without a part.");
        _bytes = null;
        return bytes;
    }

    /// <summary>Drops what was appended.</summary>
    internal void Clear()
    {
        _bytes?.Release();
        _bytes = null;
    }

    private readonly void AppendLine(SharedBytes bytes, ReadOnlySpan<byte> line)
    {
        if (form.IsPush) line = BarePush(line);
        switch (form.Framing)
        {
            case ReplyFraming.Single:
                var header = new FrameHeader(Final: true, Reserved: 0, Opcode.Text, line.Length, MaskingKey: null);
                bytes.GrowFor(header.Size);
                FrameWriter.WriteHeader(bytes.Array.AsSpan(bytes.Length), header);
                bytes.SetLength(bytes.Length + header.Size);
                Put(bytes, line);
                break;
            case ReplyFraming.Lines:
                Put(bytes, line);
                Put(bytes, "\n"u8);
                break;
            default:
                Put(bytes, "data: "u8);
                Put(bytes, line);
                Put(bytes, "\n\n"u8);
                break;
        }
    }

    // {"push":X} is X; a ping, {}, has nothing around it.
    private static ReadOnlySpan<byte> BarePush(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> opening = "{\"push\":"u8;
        return line.StartsWith(opening) ? line[opening.Length..^1] : line;
    }

    private static void Put(SharedBytes bytes, ReadOnlySpan<byte> part)
    {
        bytes.GrowFor(part.Length);
        bytes.Append(part);
    }
}
