using Broker.Core.Buffers;

namespace Broker.Core.Framing;

/// <summary>
/// One frame in the making: parts are appended, and the header is set before them when their length is known, so that no
/// byte moves. A text frame has a line feed between two parts; in a binary one they follow each other.
/// </summary>
/// <remarks>For one loop's thread. The code that seals it holds the bytes.</remarks>
/// <param name="binary">Whether the frame is binary.</param>
/// <param name="begun">A frame in the making to go on with, as <see cref="Begun"/> gave it.</param>
public struct FrameBatch(bool binary, SharedBytes? begun = null)
{
    private const int HeaderRoom = 10;
    private SharedBytes? _bytes = begun;

    /// <summary>The frame in the making; null where there is no part.</summary>
    internal readonly SharedBytes? Begun => _bytes;

    /// <summary>Bytes of the parts so far.</summary>
    public readonly int Length => _bytes is null ? 0 : _bytes.Length - HeaderRoom;

    /// <summary>Whether there is no part yet.</summary>
    public readonly bool IsEmpty => _bytes is null;

    /// <summary>Appends one part, such as a line, or several that are joined already.</summary>
    public void Append(ReadOnlySpan<byte> part, BufferPool pool)
    {
        if (_bytes is null)
        {
            _bytes = SharedBytes.Rent(pool, HeaderRoom + part.Length);
            _bytes.SetLength(HeaderRoom);
        }
        else
        {
            _bytes.GrowFor(part.Length + 1);
            if (!binary) _bytes.Append("\n"u8);
        }

        _bytes.Append(part);
    }

    /// <summary>Ends the frame and starts anew.</summary>
    /// <param name="start">Where the frame begins in the bytes.</param>
    /// <returns>The frame, unmasked; the caller is its holder.</returns>
    /// <exception cref="InvalidOperationException">There is no part.</exception>
    public SharedBytes Seal(out int start)
    {
        SharedBytes bytes = _bytes ?? throw new InvalidOperationException("A batch without a part.");
        _bytes = null;
        var header =
            new FrameHeader(Final: true, Reserved: 0, binary ? Opcode.Binary : Opcode.Text, bytes.Length - HeaderRoom, MaskingKey: null);
        start = HeaderRoom - header.Size;
        FrameWriter.WriteHeader(bytes.Array.AsSpan(start), header);
        return bytes;
    }

    /// <summary>Drops what was appended.</summary>
    public void Clear()
    {
        _bytes?.Release();
        _bytes = null;
    }
}
