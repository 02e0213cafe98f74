using System.Text;
using Broker.Core.Framing;

namespace Broker.Bench.Soak;

/// <summary>What a client says in one connection, at random, and what has to come of it.</summary>
/// <remarks>Payloads are slices of two tables, so that what has to come out is known by a place and a length.</remarks>
internal sealed class SoakTraffic
{
    private const int TableBytes = 1024 * 1024;
    private const int UnitBytes = 4;            // Any number of units of the text table, from any unit on, is UTF-8.

    /// <summary>The longest message.</summary>
    public const int MessageBytesMax = 100_000;

    /// <summary>The most fragments of one.</summary>
    public const int FragmentsMax = 8;

    private static readonly byte[][] s_units =
        [.. new[] { "abcd", "äß", "a€", "€z", "𐍈", "\0\u007f09", "éA~", "𝄞" }.Select(Encoding.UTF8.GetBytes)];

    private readonly byte[] _binary = new byte[TableBytes];
    private readonly byte[] _text = new byte[TableBytes];
    private SoakRandom _random;
    private Slice _message;         // Under way: what of it is not sent yet.
    private Slice _whole;
    private int _fragmentsLeft;

    public SoakTraffic(ulong seed)
    {
        _random = new SoakRandom(seed);
        for (int i = 0; i < TableBytes; i += UnitBytes)
        {
            BitConverter.TryWriteBytes(_binary.AsSpan(i), (uint)_random.Next());
            s_units[_random.Next(s_units.Length)].CopyTo(_text.AsSpan(i));
        }
    }

    /// <summary>Messages that the handler has to see next.</summary>
    public Queue<Slice> Messages { get; } = new();

    /// <summary>Frames that the server has to say next.</summary>
    public Queue<Slice> Replies { get; } = new();

    /// <summary>How the handler answers a message.</summary>
    public enum Answer : byte { Echo, Copy, None }

    /// <summary>A payload, what it is sent in, and how it is answered.</summary>
    public readonly record struct Slice(Opcode Opcode, int Start, int Length, Answer Answer);

    /// <summary>The bytes of a payload.</summary>
    public ReadOnlySpan<byte> BytesOf(Slice slice) => (slice.Opcode == Opcode.Text ? _text : _binary).AsSpan(slice.Start, slice.Length);

    /// <summary>A random number below a bound, of the same row.</summary>
    public int Next(int below) => _random.Next(below);

    /// <summary>Writes the next frame.</summary>
    /// <returns>False if it does not fit; then nothing has happened.</returns>
    public bool TryWrite(ref FrameWriter wire, int room)
    {
        if (room < MessageBytesMax + FrameHeader.SizeMax) return false;
        int dice = _random.Next(100);
        if (_fragmentsLeft > 0 && dice >= 20) WriteFragment(ref wire, Opcode.Continuation);
        else if (dice < 10) WriteControl(ref wire, Opcode.Ping);
        else if (dice < 15 || _fragmentsLeft > 0) WriteControl(ref wire, Opcode.Pong);
        else Begin(ref wire);
        return true;
    }

    private void Begin(ref FrameWriter wire)
    {
        int bytes = Size();
        bool isText = _random.Next(2) == 0;
        int start = _random.Next(TableBytes - bytes) / UnitBytes * UnitBytes;
        _whole = _message = new Slice(
            isText ? Opcode.Text : Opcode.Binary,
            start,
            isText ? bytes / UnitBytes * UnitBytes : bytes,
            _random.Next(8) switch { < 6 => Answer.Echo, 6 => Answer.Copy, _ => Answer.None });
        _fragmentsLeft = _random.Next(5) == 0 ? 2 + _random.Next(FragmentsMax - 1) : 1;
        WriteFragment(ref wire, _message.Opcode);
    }

    // Mostly small, as messages are; every edge of the three length forms; now and then one longer than a read.
    private int Size() => _random.Next(1000) switch
    {
        0 => 65_500 + _random.Next(MessageBytesMax - 65_500),
        < 5 => 65_534 + _random.Next(4),
        < 50 => _random.Next(5000),
        < 150 => 124 + _random.Next(4),
        _ => _random.Next(126),
    };

    private void WriteFragment(ref FrameWriter wire, Opcode opcode)
    {
        bool final = --_fragmentsLeft == 0;
        int bytes = final ? _message.Length : _random.Next(_message.Length + 1);
        wire.TryWrite(opcode, BytesOf(_message)[..bytes], Key(), final);
        _message = _message with { Start = _message.Start + bytes, Length = _message.Length - bytes };
        if (!final) return;
        Messages.Enqueue(_whole);
        if (_whole.Answer != Answer.None) Replies.Enqueue(_whole);
    }

    private void WriteControl(ref FrameWriter wire, Opcode opcode)
    {
        int bytes = _random.Next(4) == 0 ? _random.Next(126) : 0;
        var payload = new Slice(Opcode.Pong, _random.Next(TableBytes - bytes), bytes, Answer.None);
        wire.TryWrite(opcode, BytesOf(payload), Key());
        if (opcode == Opcode.Ping) Replies.Enqueue(payload);
    }

    private uint Key() => _random.Next(64) == 0 ? 0 : (uint)_random.Next();
}

/// <summary>SplitMix64: a row of random numbers that a seed fixes on every machine.</summary>
internal struct SoakRandom(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        ulong mixed = _state += 0x9E3779B97F4A7C15;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }

    public int Next(int below) => (int)(((Next() >> 32) * (ulong)below) >> 32);
}
