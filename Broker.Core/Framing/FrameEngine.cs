using System.Buffers;
using Broker.Core.Buffers;

namespace Broker.Core.Framing;

/// <summary>How far a connection's receiving side is.</summary>
public enum FrameEngineState : byte
{
    /// <summary>Messages come.</summary>
    Open,

    /// <summary>We have sent Close: data is ignored until the peer's Close.</summary>
    CloseSent,

    /// <summary>The peer has sent Close: everything after it is ignored.</summary>
    PeerClosed,

    /// <summary>The peer broke a rule: everything after that is ignored.</summary>
    Violated,
}

/// <summary>What one connection remembers between two reads. A <see cref="Turn"/> does the reading.</summary>
/// <remarks>
/// Idle it is this object alone. The first bytes of a header or of a control frame, at most 139, and an incomplete
/// message are held in buffers of the pool until the rest comes. Not for two threads at a time.
/// </remarks>
public sealed class FrameEngine
{
    private const int CarryBytesMax = FrameHeader.SizeMax + FrameHeader.ControlPayloadMax;

    private readonly BufferPool _pool;
    private byte[]? _carry;     // The first bytes of a frame that the last read has cut.
    private byte _carryLength;
    private MessageAssembler? _message;  // Waits for its rest.
    private long _skip;         // Payload bytes still to be ignored, after CloseSent.
    private bool _messageOpen;  // The next data frame has to be a continuation.
    private bool? _maskWanted;  // None until a lenient peer's first frame.

    /// <summary>Begins with a connection's first frame.</summary>
    /// <param name="settings">What it takes; shared.</param>
    /// <param name="pool">The pool of the loop that the connection lives on.</param>
    /// <param name="deflate">Compression, if it was agreed on; its bit is then allowed, whatever the settings say.</param>
    public FrameEngine(FrameEngineSettings settings, BufferPool pool, MessageDeflate? deflate = null)
    {
        Settings = settings;
        Deflate = deflate;
        _pool = pool;
        _maskWanted = settings.Rules.MaskWanted;
        Settle();
    }

    /// <summary>How far the receiving side is.</summary>
    public FrameEngineState State { get; private set; }

    /// <summary>What the engine takes.</summary>
    public FrameEngineSettings Settings { get; private set; }

    /// <summary>Compression, if it was agreed on. The engine gives it up when reading is over.</summary>
    internal MessageDeflate? Deflate { get; }

    private FrameRules Rules => Deflate is null ? Settings.Rules : Settings.Rules with { ReservedAllowed = MessageDeflate.Reserved };

    /// <summary>Whether nothing is held: no part of a frame and no part of a message.</summary>
    public bool IsIdle => _carryLength == 0 && _message is null && _skip == 0 && !_messageOpen;

    /// <summary>Whether a whole masked frame can be taken straight from the wire: nothing carried, nothing open.</summary>
    internal bool IsPlain { get; private set; }

    /// <summary>Whether the next byte belongs to a data frame's payload.</summary>
    internal bool IsInPayload => _skip > 0 || _message is { FrameLeft: > 0 };

    /// <summary>Whether frames are still read at all.</summary>
    internal bool IsReading => State <= FrameEngineState.CloseSent;

    /// <summary>From the next turn on takes other sizes: for a peer that has shown who it is.</summary>
    /// <param name="settings">Of the same side, masks and extensions.</param>
    public void Resize(FrameEngineSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (settings.Rules != Settings.Rules) throw new ArgumentException("Only sizes may change.", nameof(settings));
        Settings = settings;
    }

    /// <summary>Notes that a Close frame was written to the peer. Nothing more is answered; its own Close ends the engine.</summary>
    public void CloseSent()
    {
        if (State != FrameEngineState.Open) return;

        State = FrameEngineState.CloseSent;
        _skip = _message?.FrameLeft ?? 0;
        DropMessage();
        Settle();
    }

    /// <summary>Returns what is held, when the connection is gone. The engine ignores everything afterwards.</summary>
    public void Drop() => End(IsReading ? FrameEngineState.PeerClosed : State);

    /// <summary>Reading is over.</summary>
    internal void End(FrameEngineState state)
    {
        State = state;
        _carryLength = 0;
        _skip = 0;
        _messageOpen = false;
        DropMessage();
        Deflate?.Drop();
        Settle();
    }

    /// <summary>Takes the next header and, of a control frame, its payload; carries what is not there as a whole.</summary>
    /// <param name="wire">What is unread of the input.</param>
    /// <param name="next">The frame; how many bytes it took is sent in every case.</param>
    /// <returns><c>Done</c>, <c>NeedMoreData</c> when all was carried, <c>InvalidData</c> with a violation.</returns>
    internal OperationStatus TakeFrame(Span<byte> wire, out NextFrame next)
    {
        if (_carryLength > 0) return TakeCarried(wire, out next);

        OperationStatus status = Look(wire, out next, out _);
        if (status != OperationStatus.NeedMoreData) return status;

        _carry ??= _pool.Rent(CarryBytesMax);
        wire.CopyTo(_carry);
        _carryLength = (byte)wire.Length;
        next.Consumed = wire.Length;
        return status;
    }

    /// <summary>Begins a data frame whose payload may come in pieces, or as a fragment.</summary>
    /// <returns>1009, 1008, or 1007 when the frame is empty and ends a text within a character; or none.</returns>
    internal FrameViolation? BeginFrame(in FrameHeader header, AssemblerPool assemblers)
    {
        _messageOpen = !header.Final;
        if (State != FrameEngineState.Open)
        {
            _skip = header.PayloadLength;
            return null;
        }

        _message ??= assemblers.Rent();
        int bytesMax = header.Reserved == 0 && _message.Reserved == 0 ? Settings.LongestMessageBytes : Settings.MessageBytesMax;
        return _message.BeginFrame(header, bytesMax, Settings.FragmentsMax) switch
        {
            { Code: CloseCode.MessageTooBig } => FrameViolation.MessageTooBig(Settings.MessageBytesMax),
            { } violation => violation,
            null => _message.Append([]),
        };
    }

    /// <summary>Takes what belongs to the data frame at hand, or ignores it once our Close is sent.</summary>
    internal FrameViolation? TakePayload(ReadOnlySpan<byte> wire, out int consumed)
    {
        consumed = (int)Math.Min(_message?.FrameLeft ?? _skip, wire.Length);
        if (_message is not null) return _message.Append(wire[..consumed]) ?? CheckLength(_message, consumed);

        _skip -= consumed;
        return null;
    }

    // Asked once, with the piece by which the message becomes longer than others may be.
    private FrameViolation? CheckLength(MessageAssembler message, int consumed)
    {
        int length = message.Payload.Length, bytesMax = Settings.MessageBytesMax;
        if (length <= bytesMax || length - consumed > bytesMax) return null;
        return Settings.LongMessages is { } rule && rule.Accepts(message.Opcode, message.Payload[..bytesMax]) ? null
            : FrameViolation.MessageTooBig(bytesMax);
    }

    /// <summary>Hands over the message that has become whole, or none.</summary>
    internal MessageAssembler? TakeWhole()
    {
        if (_message is not { IsComplete: true } whole) return null;

        _message = null;
        return whole;
    }

    /// <summary>After each step off the plain path: returns an empty carry, and finds out whether the path is plain again.</summary>
    internal void Settle()
    {
        if (_carryLength == 0 && _carry is not null)
        {
            _pool.Return(_carry);
            _carry = null;
        }

        IsPlain = State == FrameEngineState.Open && _carryLength == 0 && !_messageOpen && _message is null
            && _maskWanted is true;
    }

    private OperationStatus TakeCarried(Span<byte> wire, out NextFrame next)
    {
        int consumed = 0;
        OperationStatus status;
        while ((status = Look(_carry.AsSpan(0, _carryLength), out next, out int needed)) == OperationStatus.NeedMoreData)
        {
            int more = Math.Min(needed - _carryLength, wire.Length - consumed);
            if (more == 0) break;

            wire.Slice(consumed, more).CopyTo(_carry.AsSpan(_carryLength));
            _carryLength += (byte)more;
            consumed += more;
        }

        next.Consumed = consumed;
        if (status == OperationStatus.Done) _carryLength = 0;  // Its bytes stay until Settle.
        return status;
    }

    private OperationStatus Look(Span<byte> wire, out NextFrame next, out int needed)
    {
        next = default;
        var reader = new FrameReader(wire);
        OperationStatus status = reader.ReadHeader(out FrameHeader header);
        needed = reader.Needed;
        if (status == OperationStatus.InvalidData) next.Violation = FrameViolation.Length;
        if (status != OperationStatus.Done) return status;

        next.Violation = Rules.Check(header, _messageOpen, _maskWanted);
        if (next.Violation is not null) return OperationStatus.InvalidData;

        _maskWanted ??= header.MaskingKey.HasValue;
        next.Header = header;
        next.Consumed = reader.Position;
        if (!header.Opcode.IsControl) return OperationStatus.Done;

        needed = reader.Position + (int)header.PayloadLength;
        if (wire.Length < needed) return OperationStatus.NeedMoreData;

        next.Control = wire[reader.Position..needed];
        next.Consumed = needed;
        return OperationStatus.Done;
    }

    private void DropMessage()
    {
        _message?.Clear();
        _message = null;
    }
}

/// <summary>One frame as <see cref="FrameEngine.TakeFrame"/> finds it.</summary>
internal ref struct NextFrame
{
    /// <summary>The header.</summary>
    public FrameHeader Header;

    /// <summary>A control frame's whole payload, still masked. A data frame's payload follows on the wire instead.</summary>
    public Span<byte> Control;

    /// <summary>Bytes of the input that were taken.</summary>
    public int Consumed;

    /// <summary>The broken rule, if the answer is <c>InvalidData</c>.</summary>
    public FrameViolation? Violation;
}
