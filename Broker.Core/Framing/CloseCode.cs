namespace Broker.Core.Framing;

/// <summary>Why a connection ends, RFC 6455 section 7.4 and the registry that it opens.</summary>
public enum CloseCode : ushort
{
    /// <summary>The purpose is fulfilled.</summary>
    Normal = 1000,

    /// <summary>The server stops, or the reader leaves the page.</summary>
    GoingAway = 1001,

    /// <summary>A frame broke the protocol.</summary>
    ProtocolError = 1002,

    /// <summary>A kind of data that the receiver does not take.</summary>
    UnsupportedData = 1003,

    /// <summary>Reserved; never on the wire.</summary>
    Reserved = 1004,

    /// <summary>Stands for a Close frame without a code; never on the wire.</summary>
    NoStatus = 1005,

    /// <summary>Stands for a connection that ended without a Close frame; never on the wire.</summary>
    Abnormal = 1006,

    /// <summary>Data that is not what its message says, such as text that is not UTF-8.</summary>
    InvalidPayload = 1007,

    /// <summary>Against a policy, when no other code fits.</summary>
    PolicyViolation = 1008,

    /// <summary>A message too big to take.</summary>
    MessageTooBig = 1009,

    /// <summary>A client that misses an extension which it needs.</summary>
    MandatoryExtension = 1010,

    /// <summary>The server failed.</summary>
    InternalError = 1011,

    /// <summary>The server restarts; connect again.</summary>
    ServiceRestart = 1012,

    /// <summary>The server has too much to do; connect again later.</summary>
    TryAgainLater = 1013,

    /// <summary>A server behind this one gave a bad answer.</summary>
    BadGateway = 1014,

    /// <summary>Stands for a TLS handshake that failed; never on the wire.</summary>
    TlsHandshake = 1015,
}

/// <summary>Questions about a <see cref="CloseCode"/>.</summary>
public static class CloseCodes
{
    extension(CloseCode code)
    {
        /// <summary>
        /// Whether a Close frame may carry the code, in either direction: 1000 to 1003, 1007 to 1014, and the
        /// ranges for libraries (3000) and applications (4000) up to 4999.
        /// </summary>
        public bool MayTravel => (int)code is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);
    }
}
