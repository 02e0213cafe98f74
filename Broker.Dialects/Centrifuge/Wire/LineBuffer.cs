using System.Text;

namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>Bytes that grow as lines are put in, and are kept for the next frame. For one thread.</summary>
internal sealed class LineBuffer
{
    private const int InitialBytes = 512;

    // One large reply must not keep its memory for the life of the writer.
    private const int KeptBytesMax = 64 * 1024;

    private byte[] _bytes = new byte[InitialBytes];
    private int _length;
    private bool _comma;

    /// <summary>The lines, with a line feed between two.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    /// <summary>Lines so far.</summary>
    public int Lines { get; private set; }

    /// <summary>Drops all lines, and memory that is out of the ordinary.</summary>
    public void Clear()
    {
        if (_bytes.Length > KeptBytesMax) _bytes = new byte[InitialBytes];
        _length = 0;
        Lines = 0;
    }

    /// <summary>Starts a line, and its first object's members.</summary>
    public void StartLine()
    {
        if (Lines++ > 0) Put("\n"u8);
        _comma = false;
    }

    /// <summary>Opens an object or array: its first member needs no comma.</summary>
    public void Open(ReadOnlySpan<byte> bytes)
    {
        Put(bytes);
        _comma = false;
    }

    /// <summary>Closes objects or arrays.</summary>
    public void Close(ReadOnlySpan<byte> bytes)
    {
        Put(bytes);
        _comma = true;
    }

    /// <summary>The name of a member, quoted and with its colon, after a comma if it is not the first.</summary>
    public void PutName(ReadOnlySpan<byte> name)
    {
        PutComma();
        Put(name);
    }

    /// <summary>The comma before all but the first.</summary>
    public void PutComma()
    {
        if (_comma) Put(","u8);
        _comma = true;
    }

    /// <summary>A member that is true, or none.</summary>
    public void PutTrue(ReadOnlySpan<byte> name, bool value)
    {
        if (!value) return;
        PutName(name);
        Put("true"u8);
    }

    /// <summary>A member that is a number over 0, or none.</summary>
    public void PutNumber(ReadOnlySpan<byte> name, ulong value)
    {
        if (value == 0) return;
        PutName(name);
        PutNumber(value);
    }

    /// <summary>A member that is a text, or none if that is empty.</summary>
    public void PutText(ReadOnlySpan<byte> name, string? value)
    {
        if (string.IsNullOrEmpty(value)) return;
        PutName(name);
        PutText(value);
    }

    /// <summary>A member that is JSON already, or none if that is empty.</summary>
    public void PutRaw(ReadOnlySpan<byte> name, ReadOnlySpan<byte> json)
    {
        if (json.IsEmpty) return;
        PutName(name);
        PutRaw(json);
    }

    /// <summary>A number.</summary>
    public void PutNumber(ulong value)
    {
        const int digitsMax = 20;
        value.TryFormat(Reserve(digitsMax), out int written);
        _length += written;
    }

    /// <summary>A text in quotes, escaped.</summary>
    public void PutText(string text)
    {
        string escaped = RawJson.Escape(text);
        Put("\""u8);
        _length += Encoding.UTF8.GetBytes(escaped, Reserve(Encoding.UTF8.GetMaxByteCount(escaped.Length)));
        Put("\""u8);
    }

    /// <summary>A UTF-8 text in quotes, escaped.</summary>
    public void PutText(ReadOnlySpan<byte> text)
    {
        Put("\""u8);
        _length += RawJson.Escape(text, Reserve(text.Length * RawJson.EscapedPerByteMax));
        Put("\""u8);
    }

    /// <summary>JSON, without its line feeds.</summary>
    public void PutRaw(ReadOnlySpan<byte> json)
    {
        RawJson.CopyAsLine(json, Reserve(json.Length));
        _length += json.Length;
    }

    /// <summary>Bytes as they are.</summary>
    public void Put(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        _length += bytes.Length;
    }

    /// <summary>Room at the end, to be written and then <see cref="Advance"/>d over.</summary>
    public Span<byte> Reserve(int bytes)
    {
        if (_bytes.Length - _length < bytes)
        {
            int doubled = (int)Math.Min(Array.MaxLength, _bytes.Length * 2L);
            Array.Resize(ref _bytes, Math.Max(doubled, checked(_length + bytes)));
        }
        return _bytes.AsSpan(_length);
    }

    /// <summary>Counts bytes written to what <see cref="Reserve"/> gave.</summary>
    public void Advance(int bytes) => _length += bytes;
}
