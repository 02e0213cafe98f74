using System.Buffers.Text;

namespace Broker.Core.Upgrade;

/// <summary>Writes ASCII into borrowed bytes, and remembers when they were too few.</summary>
internal ref struct AsciiWriter(Span<byte> target)
{
    private readonly Span<byte> _target = target;

    /// <summary>Bytes written so far; 0 once the target was too short.</summary>
    public int Position { get; private set; }

    /// <summary>Whether everything has fitted.</summary>
    public bool Fits { get; private set; } = true;

    /// <summary>Writes bytes as they are.</summary>
    public void Write(scoped ReadOnlySpan<byte> bytes)
    {
        Fits = Fits && bytes.TryCopyTo(_target[Position..]);
        Position = Fits ? Position + bytes.Length : 0;
    }

    /// <summary>Writes text; whatever is not visible ASCII or a space becomes a question mark, so that no text adds a line.</summary>
    public void Write(scoped ReadOnlySpan<char> text)
    {
        Fits = Fits && text.Length <= _target.Length - Position;
        if (Fits)
        {
            foreach (char character in text)
            {
                _target[Position++] = character is >= ' ' and <= '~' ? (byte)character : (byte)'?';
            }
        }
        else
        {
            Position = 0;
        }
    }

    /// <summary>Writes a decimal number.</summary>
    public void Write(long number)
    {
        Fits = Utf8Formatter.TryFormat(number, _target[Position..], out int written) && Fits;
        Position = Fits ? Position + written : 0;
    }
}
