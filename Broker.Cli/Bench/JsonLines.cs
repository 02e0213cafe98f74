using System.Net.WebSockets;

namespace Broker.Cli.Bench;

/// <summary>Reads messages that hold one line of JSON or more. Its buffer is all that it ever takes.</summary>
/// <param name="socket">The connection.</param>
/// <param name="lineMax">Bytes of the longest line that is taken.</param>
internal sealed class JsonLines(ClientWebSocket socket, int lineMax)
{
    private const int BufferMin = 8192;

    private readonly byte[] _buffer = new byte[Math.Max(BufferMin, lineMax)];
    private int _start, _end;
    private bool _isWhole;      // Whether the bytes end with a message, and so with a line.

    /// <summary>Waits for more bytes; every line there was has to be taken before.</summary>
    /// <exception cref="BenchException">A line is too long, or the server closed.</exception>
    public async ValueTask ReadAsync()
    {
        _buffer.AsSpan(_start.._end).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        if (_end == _buffer.Length) throw new BenchException($"The server sent a line of more than {_buffer.Length} bytes.");
        ValueWebSocketReceiveResult read = await socket.ReadAsync(_buffer.AsMemory(_end)).ConfigureAwait(false);
        _end += read.Count;
        _isWhole = read.EndOfMessage;
    }

    /// <summary>Takes a line, if there is a whole one.</summary>
    /// <param name="line">Its bytes, until more are read.</param>
    public bool TryTake(out ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> rest = _buffer.AsSpan(_start.._end);
        int length = rest.IndexOf((byte)'\n');
        bool isThere = length >= 0 || (_isWhole && rest.Length > 0);
        line = !isThere ? default : length >= 0 ? rest[..length] : rest;
        if (isThere) _start += length >= 0 ? length + 1 : rest.Length;
        return isThere;
    }
}
