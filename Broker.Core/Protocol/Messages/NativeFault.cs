using Broker.Core.Framing;

namespace Broker.Core.Protocol.Messages;

/// <summary>What is wrong with a frame. The messages before the fault have taken effect; the connection ends.</summary>
/// <remarks>The numbers are those of the <see cref="NativeError"/> that is sent before the Close frame.</remarks>
public enum NativeFault : ushort
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The payload has no byte.</summary>
    EmptyPayload = 1,

    /// <summary>The payload ends inside a message.</summary>
    Truncated = 2,

    /// <summary>A message begins with a byte that is no kind: garbage, or a later version.</summary>
    UnknownKind = 3,

    /// <summary>A body is shorter or longer than its fields, or a field has a value that it can not have.</summary>
    Malformed = 4,

    /// <summary>A name or text is not UTF-8.</summary>
    NotUtf8 = 5,

    /// <summary>The payload is longer than the receiver's limit.</summary>
    PayloadTooBig = 6,

    /// <summary>The payload has more messages than the limit.</summary>
    TooManyMessages = 7,

    /// <summary>More than one message in a frame of <c>v2.broker</c>.</summary>
    NotBatched = 8,

    /// <summary>A kind that this side is never sent.</summary>
    WrongSide = 9,

    /// <summary>A message before hello, or a second hello.</summary>
    OutOfTurn = 10,

    /// <summary>A text frame.</summary>
    TextFrame = 11,

    /// <summary>A server's payload begins with a byte that names no compression, or one that was not agreed on.</summary>
    UnknownCompression = 12,

    /// <summary>A server's payload can not be expanded.</summary>
    BadCompression = 13,

    /// <summary>A server's payload expands past the limit.</summary>
    ExpandsTooFar = 14,

    /// <summary>The client supports no version that the server knows.</summary>
    UnknownVersion = 15,
}

/// <summary>What a <see cref="NativeFault"/> means for its connection.</summary>
public static class NativeFaults
{
    extension(NativeFault fault)
    {
        /// <summary>The code of the Close frame that answers it.</summary>
        public CloseCode CloseCode => fault switch
        {
            NativeFault.None => CloseCode.Normal,
            NativeFault.TextFrame => CloseCode.UnsupportedData,
            NativeFault.PayloadTooBig or NativeFault.ExpandsTooFar => CloseCode.MessageTooBig,
            NativeFault.TooManyMessages or NativeFault.NotBatched => CloseCode.PolicyViolation,
            NativeFault.WrongSide or NativeFault.OutOfTurn or NativeFault.UnknownVersion => CloseCode.PolicyViolation,
            _ => CloseCode.InvalidPayload,
        };

        /// <summary>The rule in words, for the Close frame and the log; holds nothing of the peer's.</summary>
        public string Reason => fault switch
        {
            NativeFault.None => "",
            NativeFault.EmptyPayload => "The payload is empty.",
            NativeFault.Truncated => "The payload ends inside a message.",
            NativeFault.UnknownKind => "A message is of no known kind.",
            NativeFault.Malformed => "A message does not have the fields of its kind.",
            NativeFault.NotUtf8 => "A name or text is not UTF-8.",
            NativeFault.PayloadTooBig => "The payload passes the limit.",
            NativeFault.TooManyMessages => "The payload has too many messages.",
            NativeFault.NotBatched => "v2.broker has one message a frame.",
            NativeFault.WrongSide => "A message of this kind goes the other way.",
            NativeFault.OutOfTurn => "Hello comes first, and once.",
            NativeFault.TextFrame => "Frames are binary.",
            NativeFault.UnknownCompression => "The compression is not known.",
            NativeFault.BadCompression => "The payload can not be expanded.",
            NativeFault.ExpandsTooFar => "The payload expands past the limit.",
            _ => "The version is not known.",
        };
    }
}
