namespace Broker.Core.Framing;

/// <summary>The rules that a frame header has to keep, for one receiving side.</summary>
/// <param name="Receiver">The side that receives: a server wants masks, a client wants none.</param>
/// <param name="MaskMode">Whether the peer is held to that, or may choose once.</param>
/// <param name="ReservedAllowed">
/// The RSV bits (4, 2, 1) that a negotiated extension uses on the first frame of a message: 4 for permessage-deflate.
/// </param>
public readonly record struct FrameRules(Side Receiver, MaskMode MaskMode = MaskMode.Strict, byte ReservedAllowed = 0)
{
    /// <summary>Whether the first frame has to be masked; none when its sender may choose.</summary>
    public bool? MaskWanted => MaskMode == MaskMode.Strict ? Receiver == Side.Server : null;

    /// <summary>Judges one header. Control frames between the fragments of a message are no fault.</summary>
    /// <param name="header">What was read.</param>
    /// <param name="messageOpen">Whether a fragmented message waits for its continuation.</param>
    /// <param name="maskWanted"><see cref="MaskWanted"/>, or what the first frame has chosen.</param>
    /// <returns>The first broken rule, or none.</returns>
    public FrameViolation? Check(in FrameHeader header, bool messageOpen, bool? maskWanted) => header switch
    {
        // 5.2: "MUST be 0 unless an extension is negotiated that defines meanings for non-zero values."
        { Opcode: Opcode.Text or Opcode.Binary } when (header.Reserved & ~ReservedAllowed) != 0 =>
            FrameViolation.ReservedBits,

        // RFC 7692 6.1: RSV1 belongs to the first fragment and to no control frame.
        { Reserved: not 0, Opcode: not (Opcode.Text or Opcode.Binary) } => FrameViolation.ReservedBits,

        // 5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_."
        { Opcode: > Opcode.Binary and < Opcode.Close or > Opcode.Pong } => FrameViolation.ReservedOpcode,

        // 5.5: "All control frames ... MUST NOT be fragmented."
        { Opcode: >= Opcode.Close, Final: false } => FrameViolation.ControlFragmented,

        // 5.5: "All control frames MUST have a payload length of 125 bytes or less."
        { Opcode: >= Opcode.Close, PayloadLength: > FrameHeader.ControlPayloadMax } => FrameViolation.ControlTooLong,

        // 5.4: a continuation continues something.
        { Opcode: Opcode.Continuation } when !messageOpen => FrameViolation.NothingToContinue,

        // 5.4: "The fragments of one message MUST NOT be interleaved between the fragments of another message."
        { Opcode: Opcode.Text or Opcode.Binary } when messageOpen => FrameViolation.MessageNotEnded,

        // 5.1: "The server MUST close the connection upon receiving a frame that is not masked."
        { MaskingKey: null } when maskWanted is true => FrameViolation.MaskMissing,

        // 5.1: "A client MUST close a connection if it detects a masked frame."
        { MaskingKey: not null } when maskWanted is false => FrameViolation.MaskUnwanted,

        _ => null,
    };
}
