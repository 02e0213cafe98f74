using System.Buffers;
using Broker.Core.Buffers;
using Broker.Core.Deflate;

namespace Broker.Core.Framing;

/// <summary>permessage-deflate on one connection: a whole payload in, a whole payload out. RFC 7692 section 7.2.</summary>
/// <remarks>
/// Holds a compressor or a decompressor of its own only where the terms keep a context, and only from the first message that
/// needs it; all else is the loop's. A payload is inflated when it is whole, so that no peer can make a connection hold a
/// decompressor by sending half a message.
/// </remarks>
public sealed class MessageDeflate
{
    /// <summary>RSV1: the message is compressed.</summary>
    internal const byte Reserved = 0b100;

    // So much is inflated before it is judged: text that is none ends early, and a bomb at most so much behind its limit.
    private const int PieceBytesMax = 64 * 1024;

    private readonly DeflatePolicy _policy;
    private readonly LoopDeflate _loop;
    private Inflater? _inflater;
    private Deflater? _deflater;
    private bool _dropped;

    internal MessageDeflate(DeflateTerms terms, DeflatePolicy policy, LoopDeflate loop)
    {
        Terms = terms;
        _policy = policy;
        _loop = loop;
    }

    /// <summary>Begins compression on a connection; without contexts if the budget has no room for them.</summary>
    /// <param name="policy">What the endpoint agrees to.</param>
    /// <param name="offer">What its client offers.</param>
    /// <param name="loop">What its loop shares.</param>
    internal static MessageDeflate Open(DeflatePolicy policy, DeflateOffer offer, LoopDeflate loop)
    {
        DeflateTerms terms = policy.Agree(offer);
        if (!policy.Budget.TryTake(terms.ContextBytes)) terms = terms with { ServerContext = false, ClientContext = false };
        return new MessageDeflate(terms, policy, loop);
    }

    /// <summary>What was agreed.</summary>
    public DeflateTerms Terms { get; }

    /// <summary>The window of messages that are compressed once for many; 0 where each message needs its own context.</summary>
    public int SharedWindowBits => Terms.ServerContext ? 0 : Terms.ServerWindowBits;

    /// <summary>The shortest payload worth compressing.</summary>
    public int MessageBytesMin => _policy.MessageBytesMin;

    /// <summary>Inflates one message and judges it.</summary>
    /// <param name="opcode">Text is judged as UTF-8, piece by piece.</param>
    /// <param name="payload">Of all its frames, unmasked. Borrowed.</param>
    /// <param name="bytesMax">The longest message; no more than a byte beyond is inflated.</param>
    /// <param name="message">The message; the caller is its holder. None with a violation.</param>
    /// <returns>1009 past the limit, 1007 for broken data or text that is not UTF-8, or none.</returns>
    internal FrameViolation? Inflate(Opcode opcode, ReadOnlySpan<byte> payload, int bytesMax, out SharedBytes? message)
    {
        Inflater inflater = Terms.ClientContext ? _inflater ??= new Inflater() : _loop.Inflater;
        if (!Terms.ClientContext) inflater.Reset();

        // Most messages shrink to a third or less; the room grows with what has really been inflated.
        long guess = Math.Min(3L * payload.Length, PieceBytesMax);
        message = SharedBytes.Rent(_loop.Pool, (int)Math.Min(guess, bytesMax + 1L));
        var text = new Utf8Progress();
        FrameViolation? broken = payload.IsEmpty ? null : Inflate(inflater, payload, message, opcode == Opcode.Text, bytesMax, ref text);

        if (broken is null && opcode == Opcode.Text && !text.IsComplete) broken = FrameViolation.TextNotUtf8;
        if (broken is null) return null;
        message.Release();
        message = null;
        return broken;
    }

    private FrameViolation? Inflate(
        Inflater inflater, ReadOnlySpan<byte> payload, SharedBytes target, bool isText, int bytesMax, ref Utf8Progress text)
    {
        if (Feed(inflater, payload, target, isText, bytesMax, ref text) is { } broken) return broken;

        // Some senders end with a final block and drop the empty one behind it: nothing is missing then.
        if (inflater.IsAtEnd) return null;

        // "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload", section 7.2.2.
        if (Feed(inflater, [0x00, 0x00, 0xff, 0xff], target, isText, bytesMax, ref text) is { } late) return late;
        if (Terms.ClientContext) return null;

        // A payload that was cut would swallow the tail and pass for a shorter one. An empty final block behind it ends the
        // stream only if the tail has ended the block before. Where a context is kept, it can not be ended so.
        return Feed(inflater, [0x01, 0x00, 0x00, 0xff, 0xff], target, isText, bytesMax, ref text)
            ?? (inflater.IsAtEnd ? null : FrameViolation.CompressedDataBroken);
    }

    private static FrameViolation? Feed(
        Inflater inflater, ReadOnlySpan<byte> source, SharedBytes target, bool isText, int bytesMax, ref Utf8Progress text)
    {
        OperationStatus status;
        do
        {
            if (target.Room == 0) target.GrowFor(1, bytesMax == int.MaxValue ? bytesMax : bytesMax + 1);
            Span<byte> room = target.Array.AsSpan(target.Length, Math.Min(target.Room, PieceBytesMax));
            status = inflater.Inflate(source, room, out int consumed, out int written);
            source = source[consumed..];
            target.SetLength(target.Length + written);
            if (target.Length > bytesMax) return FrameViolation.MessageTooBig(bytesMax);
            if (isText && !text.TryAdvance(room[..written])) return FrameViolation.TextNotUtf8;
        }
        while (status == OperationStatus.DestinationTooSmall);

        return status == OperationStatus.Done ? null : FrameViolation.CompressedDataBroken;
    }

    /// <summary>Compresses one message for this connection alone.</summary>
    /// <param name="message">Borrowed.</param>
    /// <returns>The payload of its frame; the caller is its holder.</returns>
    internal SharedBytes Deflate(ReadOnlySpan<byte> message)
    {
        Deflater deflater =
            Terms.ServerContext ? _deflater ??= new Deflater(Terms.ServerWindowBits) : _loop.DeflaterOf(Terms.ServerWindowBits);
        SharedBytes payload = SharedBytes.Rent(_loop.Pool, (message.Length / 2) + 64);
        deflater.Deflate(message, payload, Terms.ServerContext);
        return payload;
    }

    /// <summary>Returns what is held, when no more messages come.</summary>
    internal void Drop()
    {
        if (_dropped) return;
        _dropped = true;
        _inflater?.Dispose();
        _deflater?.Dispose();
        _policy.Budget.Return(Terms.ContextBytes);
    }
}
