using Broker.Core.Buffers;

namespace Broker.Core.Framing;

/// <summary>
/// One text frame in the making: lines are appended with a line feed between two, and the header is set before them when
/// their length is known, so that no byte moves.
/// </summary>
/// <remarks>For one loop's thread. Whoever seals it holds the bytes.</remarks>
public struct TextBatch
{
    private const int HeaderRoom = 10;
    private SharedBytes? _bytes;

    /// <summary>Bytes of lines so far.</summary>
    public readonly int Length => _bytes is null ? 0 : _bytes.Length - HeaderRoom;

    /// <summary>Whether there is no line yet.</summary>
    public readonly bool IsEmpty => _bytes is null;

    /// <summary>Appends one line, or several with their line feeds between.</summary>
    public void Append(ReadOnlySpan<byte> line, BufferPool pool)
    {
        if (_bytes is null)
        {
            _bytes = SharedBytes.Rent(pool, HeaderRoom + line.Length);
            _bytes.SetLength(HeaderRoom);
        }
        else
        {
            _bytes.GrowFor(line.Length + 1);
            _bytes.Append("\n"u8);
        }

        _bytes.Append(line);
    }

    /// <summary>Ends the frame and starts anew.</summary>
    /// <param name="start">Where the frame begins in the bytes.</param>
    /// <returns>The frame, unmasked; the caller is its holder.</returns>
    /// <exception cref="InvalidOperationException">There is no line.</exception>
    public SharedBytes Seal(out int start)
    {
        SharedBytes bytes = _bytes ?? throw new InvalidOperationException("A text batch without a line.");
        _bytes = null;
        var header = new FrameHeader(Final: true, Reserved: 0, Opcode.Text, bytes.Length - HeaderRoom, MaskingKey: null);
        start = HeaderRoom - header.Size;
        FrameWriter.WriteHeader(bytes.Array.AsSpan(start), header);
        return bytes;
    }

    /// <summary>Drops what was appended.</summary>
    public void Clear()
    {
        _bytes?.LetGo();
        _bytes = null;
    }
}
