namespace Broker.Core.Framing;

/// <summary>A broken rule: what the one Close frame says that ends the connection.</summary>
/// <param name="Code">The close code that the RFC names for the rule.</param>
/// <param name="Reason">The rule in words, at most 123 bytes.</param>
public sealed record FrameViolation(CloseCode Code, string Reason)
{
    /// <summary>A length past 2^63 - 1, or not in its shortest form.</summary>
    public static readonly FrameViolation Length = Protocol("The length is not in its shortest form.");

    /// <summary>A reserved bit that no extension has given a meaning.</summary>
    public static readonly FrameViolation ReservedBits = Protocol("A reserved bit is set.");

    /// <summary>An opcode 3 to 7 or 11 to 15.</summary>
    public static readonly FrameViolation ReservedOpcode = Protocol("The opcode is reserved.");

    /// <summary>A control frame without FIN.</summary>
    public static readonly FrameViolation ControlFragmented = Protocol("A control frame is fragmented.");

    /// <summary>A control frame of more than 125 bytes.</summary>
    public static readonly FrameViolation ControlTooLong = Protocol("A control frame passes 125 bytes.");

    /// <summary>A continuation while no message is open.</summary>
    public static readonly FrameViolation NothingToContinue = Protocol("A continuation without a message.");

    /// <summary>A text or binary frame while a message is open.</summary>
    public static readonly FrameViolation MessageNotEnded = Protocol("A new message inside an open one.");

    /// <summary>A frame without a mask, where one has to be.</summary>
    public static readonly FrameViolation MaskMissing = Protocol("The frame is not masked.");

    /// <summary>A frame with a mask, where none may be.</summary>
    public static readonly FrameViolation MaskUnwanted = Protocol("The frame is masked.");

    /// <summary>A Close frame of one byte.</summary>
    public static readonly FrameViolation ClosePayloadCut = Protocol("A close payload of one byte.");

    /// <summary>A close code that may not be on the wire.</summary>
    public static readonly FrameViolation CloseCodeUnknown = Protocol("The close code may not be sent.");

    /// <summary>A close reason that is not UTF-8.</summary>
    public static readonly FrameViolation CloseReasonNotUtf8 =
        new(CloseCode.InvalidPayload, "The close reason is not UTF-8.");

    /// <summary>A text message that is not UTF-8, noticed at the first byte that makes it so.</summary>
    public static readonly FrameViolation TextNotUtf8 = new(CloseCode.InvalidPayload, "The text is not UTF-8.");

    /// <summary>A compressed message that is no DEFLATE. RFC 7692 names no code; 1007 is what the data is: not of its kind.</summary>
    public static readonly FrameViolation CompressedDataBroken =
        new(CloseCode.InvalidPayload, "The compressed data is broken.");

    /// <summary>Messages that came together and inflate to more than the loop has time for.</summary>
    public static readonly FrameViolation TooMuchInflated =
        new(CloseCode.PolicyViolation, "Too much compressed data at once.");

    /// <summary>A frame, or the sum of a message's frames, past the limit.</summary>
    /// <param name="messageBytesMax">The limit in bytes; the reason names it.</param>
    public static FrameViolation MessageTooBig(int messageBytesMax) =>
        new(CloseCode.MessageTooBig, $"A message may have at most {messageBytesMax} bytes.");

    /// <summary>A message in more frames than the limit.</summary>
    /// <param name="fragmentsMax">The limit in frames; the reason names it.</param>
    public static FrameViolation TooManyFragments(int fragmentsMax) =>
        new(CloseCode.PolicyViolation, $"A message may have at most {fragmentsMax} fragments.");

    private static FrameViolation Protocol(string reason) => new(CloseCode.ProtocolError, reason);
}
