using System.Buffers;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Unicode;
using Broker.Core.Buffers;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Core.Framing;

/// <summary>
/// One read of one connection: the messages in it, and the replies built in place. One an event loop, used again and again.
/// </summary>
/// <remarks>
/// <para>Begin, then read until there is no message, write <see cref="Output"/> to the socket, End. The engine keeps what the
/// read has cut. Pings and the peer's Close are answered here, in order with the other replies.</para>
/// <para>A masked frame is unmasked straight to the place where its echo would stand, right behind the replies before it:
/// then an echo costs a header and no copy.</para>
/// </remarks>
/// <param name="pool">The loop's pool.</param>
public sealed class Turn(BufferPool pool)
{
    private readonly AssemblerPool _assemblers = new(pool);
    // What one read may inflate to, or one message of the limit if that is longer: at a thousand to one a full read would
    // keep the loop from all others for a tenth of a second, and what it asks for be held until it is done.
    private const int InflatedBytesMax = 2 * 1024 * 1024;

    private TurnOutput _output = new(pool);
    private FrameEngine _engine = null!;
    private byte[] _buffer = [];
    private int _start;
    private int _position;            // The first byte that was not read.
    private int _end;
    private int _messageBytesMax;
    private int _inflatedBytes;       // In this turn, but for the message at hand.
    private bool _isServer;
    private int _at = -1;             // Where in the buffer the message at hand lies, until it is echoed.
    private MessageAssembler? _held;  // Has the message at hand in its buffer.
    private SharedBytes? _inflated;   // Is the message at hand, if it came compressed.

    /// <summary>Bytes that the turn was given.</summary>
    public int BytesIn => _end - _start;

    /// <summary>Data messages that were read so far.</summary>
    public int MessagesIn { get; private set; }

    /// <summary>Pongs that were read so far.</summary>
    public int PongsIn { get; private set; }

    /// <summary>How the connection stands. An engine that had ended before says so again, without output.</summary>
    public TurnOutcome Outcome => _engine.State switch
    {
        FrameEngineState.PeerClosed => TurnOutcome.PeerClosed,
        FrameEngineState.Violated => TurnOutcome.Violated,
        _ => TurnOutcome.Open,
    };

    /// <summary>What the peer's Close said, if it came in this turn.</summary>
    public ClosePayload PeerClose { get; private set; }

    /// <summary>The rule that was broken in this turn, or none.</summary>
    public FrameViolation? Violation { get; private set; }

    /// <summary>All replies so far as one range, to be written to the socket before <see cref="End"/>.</summary>
    public ReadOnlyMemory<byte> Output => _output.Range;

    /// <summary>Begins with what one read has brought.</summary>
    /// <param name="engine">The connection's engine.</param>
    /// <param name="buffer">
    /// The turn's to change between <paramref name="start"/> and the end of the input, until <see cref="End"/>.
    /// </param>
    /// <param name="start">Where the input begins.</param>
    /// <param name="length">Bytes of input.</param>
    public void Begin(FrameEngine engine, byte[] buffer, int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)(buffer.Length - start), nameof(length));
        _engine = engine;
        _buffer = buffer;
        _start = _position = start;
        _end = start + length;
        _output.Begin(buffer, start);
        _messageBytesMax = engine.Settings.MessageBytesMax;
        _isServer = engine.Settings.Side == Side.Server;
        _at = -1;
        MessagesIn = PongsIn = _inflatedBytes = 0;
        PeerClose = ClosePayload.None;
        Violation = null;
        AssertInvariant();
    }

    /// <summary>The engine takes other sizes from the next message on.</summary>
    internal void Resized() => _messageBytesMax = _engine.Settings.MessageBytesMax;

    /// <summary>Returns what the turn holds and releases the connection. What was not read is lost.</summary>
    public void End()
    {
        ReleaseHeld();
        _output.Clear();
        _engine = null!;
        _buffer = [];
        _start = _position = _end = 0;
    }

    /// <summary>Reads the next whole data message. The one before it is no longer valid.</summary>
    /// <param name="message">The message, borrowed.</param>
    /// <returns>False when the input is used up, which it also is after a Close or a violation.</returns>
    public bool TryRead(out Message message)
    {
        // The plain path: a whole masked text or binary frame with a 7- or 16-bit length. All else is TryReadAny's.
        int left = _end - _position;
        if (!_engine.IsPlain || left < 6) return TryReadAny(out message);

        ref byte wire = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_buffer), _position);
        uint opcode = wire - 0b1000_0000u;
        int length = Unsafe.Add(ref wire, 1) - 0b1000_0000;
        if (opcode - 1 > 1 || length < 0) return TryReadAny(out message);

        int replyHeader = 2;
        if (length >= 126)
        {
            if (length == 127 || left < 8) return TryReadAny(out message);
            length = ReadUInt16BigEndian(MemoryMarshal.CreateReadOnlySpan(ref Unsafe.Add(ref wire, 2), sizeof(ushort)));
            replyHeader = 4;
            if (length < 126) return TryReadAny(out message);
        }

        if (left - 4 - replyHeader < length || length > _messageBytesMax) return TryReadAny(out message);

        uint key = Unsafe.ReadUnaligned<uint>(ref Unsafe.Add(ref wire, replyHeader));
        int source = _position + replyHeader + 4;
        int target = _output.InPlace ? _output.End + replyHeader : source;
        ref byte payload = ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_buffer), target);
        Masking.Copy(ref Unsafe.Add(ref wire, replyHeader + 4), ref payload, (uint)length, key);
        message = new Message((Opcode)opcode, 0, MemoryMarshal.CreateSpan(ref payload, length), target);
        _at = target;
        _position = source + length;
        if (opcode == (uint)Opcode.Text && !Utf8.IsValid(message.Payload)) return Violate(FrameViolation.TextNotUtf8, out message);

        MessagesIn++;
        AssertInvariant();
        return true;
    }

    // Positions in the buffer: 0 <= start <= position <= end <= length.
    [Conditional("DEBUG")]
    private void AssertInvariant() => Debug.Assert(_start >= 0 && _start <= _position && _position <= _end && _end <= _buffer.Length);

    /// <summary>
    /// Replies with the message itself, as it now is, in a frame of the same opcode and extension bits: compressed if it came so.
    /// </summary>
    /// <param name="message">
    /// The message that <see cref="TryRead"/> gave last. It may still be read, and not changed: it is the output now.
    /// </param>
    public void Echo(in Message message)
    {
        if (_engine.State != FrameEngineState.Open) return;

        bool plain = message.Reserved == 0 && _isServer;
        if (plain && message.At >= 0 && message.At == _at && _output.TryEcho(message.Opcode, message.Payload.Length, _at)) _at = -1;
        else if (plain && _output.IsEmpty && message.At == Message.Assembled && _held?.TakeBuffer() is { } consumed)
            Adopt(consumed, message);
        else AppendMessage(message.Opcode, message.Payload, message.Reserved);
    }

    /// <summary>Replies with a frame of any payload.</summary>
    /// <param name="opcode">Text, binary, Ping or Pong.</param>
    /// <param name="payload">Borrowed; copied. It may be a part of the message at hand.</param>
    /// <param name="reserved">RSV bits (4, 2, 1) of a negotiated extension; where it is permessage-deflate, 4 compresses.</param>
    public void Reply(Opcode opcode, ReadOnlySpan<byte> payload, byte reserved = 0)
    {
        if (opcode is Opcode.Continuation or Opcode.Close) throw new ArgumentOutOfRangeException(nameof(opcode), opcode, "Not a reply.");
        if (_engine.State == FrameEngineState.Open) AppendMessage(opcode, payload, reserved);
    }

    /// <summary>Writes a Close frame behind the replies so far. Nothing is written or delivered after it.</summary>
    /// <param name="code">A code that may travel.</param>
    /// <param name="reason">Cut to 123 bytes.</param>
    public void Close(CloseCode code, string reason = "")
    {
        if (_engine.State != FrameEngineState.Open) return;

        AppendClose(new ClosePayload(code, reason));
        _engine.CloseSent();
    }

    private bool TryReadAny(out Message message)
    {
        ReleaseHeld();
        _at = -1;
        while (_engine.IsReading)
        {
            if (_engine.TakeWhole() is { } whole) return Deliver(whole, out message);
            if (_position == _end) return Nothing(out message);

            Span<byte> unread = _buffer.AsSpan(_position, _end - _position);
            if (_engine.IsInPayload)
            {
                FrameViolation? broken = _engine.TakePayload(unread, out int consumed);
                _position += consumed;
                if (broken is not null) return Violate(broken, out message);
                continue;
            }

            OperationStatus status = _engine.TakeFrame(unread, out NextFrame next);
            _position += next.Consumed;
            if (status == OperationStatus.NeedMoreData) return Nothing(out message);
            if (status == OperationStatus.InvalidData) return Violate(next.Violation!, out message);

            FrameHeader header = next.Header;
            if (header.Opcode.IsControl) OnControl(header, next.Control);
            else if (IsWholeMessage(header)) return Deliver(header, out message);
            else if (_engine.BeginFrame(header, _assemblers) is { } broken) return Violate(broken, out message);
            _engine.Settle();
            AssertInvariant();
        }

        _position = _end;
        return Nothing(out message);
    }

    private bool IsWholeMessage(in FrameHeader header) =>
        header.Final && header.Opcode.BeginsMessage && header.PayloadLength <= _end - _position
        && (header.PayloadLength <= _messageBytesMax || _engine.Settings.LongMessages is null)
        && _engine.State == FrameEngineState.Open;

    /// <summary>A whole frame that is not on the plain path, such as one whose header was carried.</summary>
    private bool Deliver(FrameHeader header, out Message message)
    {
        int length = (int)header.PayloadLength;
        if (length > _messageBytesMax) return Violate(FrameViolation.MessageTooBig(_messageBytesMax), out message);

        if (header.Reserved != 0 && _engine.Deflate is not null) return Inflate(header, out message);

        int source = _position;
        int target = _output.InPlace && _isServer ? _output.End + FrameHeader.SizeOf(length, masked: false) : source;
        if (header.MaskingKey is null || target > source) target = source;
        Span<byte> payload = _buffer.AsSpan(target, length);
        if (header.MaskingKey is { } key) Masking.Copy(_buffer.AsSpan(source, length), payload, key);
        _position += length;
        if (header is { Opcode: Opcode.Text, Reserved: 0 } && !Utf8.IsValid(payload))
            return Violate(FrameViolation.TextNotUtf8, out message);

        _at = target;
        message = new Message(header.Opcode, header.Reserved, payload, target);
        MessagesIn++;
        _engine.Settle();
        return true;
    }

    private bool Deliver(MessageAssembler whole, out Message message)
    {
        if (whole.Reserved != 0 && _engine.Deflate is not null)
        {
            bool inflated = Inflate(whole.Opcode, whole.Reserved, whole.Payload, out message);
            _assemblers.Return(whole);
            return inflated;
        }

        _held = whole;
        message = new Message(whole.Opcode, whole.Reserved, whole.Payload, Message.Assembled);
        MessagesIn++;
        _engine.Settle();
        return true;
    }

    private bool Inflate(FrameHeader header, out Message message)
    {
        Span<byte> payload = _buffer.AsSpan(_position, (int)header.PayloadLength);
        if (header.MaskingKey is { } key) Masking.Apply(payload, key);
        _position += payload.Length;
        return Inflate(header.Opcode, header.Reserved, payload, out message);
    }

    private bool Inflate(Opcode opcode, byte reserved, ReadOnlySpan<byte> payload, out Message message)
    {
        FrameViolation? broken = _inflatedBytes > Math.Max(InflatedBytesMax, _messageBytesMax)
            ? FrameViolation.TooMuchInflated
            : _engine.Deflate!.Inflate(opcode, payload, _messageBytesMax, out _inflated);
        if (broken is not null) return Violate(broken, out message);

        _inflatedBytes = (int)Math.Min(int.MaxValue, (long)_inflatedBytes + _inflated!.Length);

        message = new Message(opcode, reserved, _inflated.Array.AsSpan(0, _inflated.Length), Message.Inflated);
        MessagesIn++;
        _engine.Settle();
        return true;
    }

    private void OnControl(in FrameHeader header, Span<byte> payload)
    {
        if (header.MaskingKey is { } key) Masking.Apply(payload, key);
        switch (header.Opcode)
        {
            case Opcode.Ping when _engine.State == FrameEngineState.Open: Append(Opcode.Pong, payload); break;
            case Opcode.Pong: PongsIn++; break;
            case Opcode.Close: OnClose(payload); break;
        }
    }

    private void OnClose(ReadOnlySpan<byte> payload)
    {
        if (ClosePayload.Check(payload, out ClosePayload read) is { } violation)
        {
            Violate(violation, out _);
            return;
        }

        // 5.5.1: "the endpoint typically echos the status code it received".
        PeerClose = read;
        if (_engine.State == FrameEngineState.Open) AppendClose(read with { Reason = "" });
        _engine.End(FrameEngineState.PeerClosed);
    }

    private bool Violate(FrameViolation violation, out Message message)
    {
        _at = -1;
        Violation = violation;
        if (_engine.State == FrameEngineState.Open) AppendClose(new ClosePayload(violation.Code, violation.Reason));
        _engine.End(FrameEngineState.Violated);
        _position = _end;
        return Nothing(out message);
    }

    private bool Nothing(out Message message)
    {
        message = default;
        _engine.Settle();
        return false;
    }

    private void Append(Opcode opcode, ReadOnlySpan<byte> payload, byte reserved = 0)
    {
        var header = new FrameHeader(Final: true, reserved, opcode, payload.Length, _engine.Settings.TakeMaskingKey());
        _output.Append(header, payload, limit: _at >= 0 ? _at : _position);
    }

    private void AppendMessage(Opcode opcode, ReadOnlySpan<byte> payload, byte reserved)
    {
        if (reserved == 0 || opcode.IsControl || _engine.Deflate is not { } deflate)
        {
            Append(opcode, payload, reserved);
            return;
        }

        SharedBytes deflated = deflate.Deflate(payload);
        Append(opcode, deflated.Array.AsSpan(0, deflated.Length), reserved);
        deflated.Release();
    }

    private void AppendClose(ClosePayload close)
    {
        Span<byte> payload = stackalloc byte[ClosePayload.BytesMax];
        Append(Opcode.Close, payload[..close.Write(payload)]);
    }

    private void Adopt(byte[] consumed, in Message message)
    {
        int header = FrameHeader.SizeOf(message.Payload.Length, masked: false);
        int start = MessageAssembler.HeaderRoom - header;
        FrameWriter.WriteHeader(
            consumed.AsSpan(start), new(Final: true, Reserved: 0, message.Opcode, message.Payload.Length, MaskingKey: null));
        _output.Adopt(consumed, start, MessageAssembler.HeaderRoom + message.Payload.Length);
    }

    private void ReleaseHeld()
    {
        _inflated?.Release();
        _inflated = null;
        if (_held is null) return;

        _assemblers.Return(_held);
        _held = null;
    }
}
