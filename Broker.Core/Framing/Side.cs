namespace Broker.Core.Framing;

/// <summary>Which end of the connection this one is. A client masks what it sends, a server does not.</summary>
public enum Side : byte
{
    /// <summary>The end that accepted: wants masked frames, sends unmasked ones.</summary>
    Server,

    /// <summary>The end that connected: wants unmasked frames, sends masked ones.</summary>
    Client,
}

/// <summary>How exactly a receiver holds its peer to the masking rule of RFC 6455 section 5.1.</summary>
public enum MaskMode : byte
{
    /// <summary>As the RFC wants it: a client's frames are masked and a server's are not.</summary>
    Strict,

    /// <summary>Either, but the first frame decides and every later one has to do the same.</summary>
    Lenient,
}
