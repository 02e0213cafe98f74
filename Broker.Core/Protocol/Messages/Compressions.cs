namespace Broker.Core.Protocol.Messages;

/// <summary>Ways to compress that a side can take.</summary>
[Flags]
public enum Compressions : byte
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Brotli, RFC 7932.</summary>
    Brotli = 1,

    /// <summary>Gzip, RFC 1952.</summary>
    Gzip = 2,

    /// <summary>Both.</summary>
    All = Brotli | Gzip,
}

/// <summary>The first byte of every server's payload: how the messages behind it are compressed.</summary>
/// <remarks>It belongs to the payload and not to a message, so a payload that goes to many is compressed once for all.</remarks>
public enum PayloadTag : byte
{
    /// <summary>They are not.</summary>
    None = 0,

    /// <summary>All that follows is one Brotli stream.</summary>
    Brotli = 1,

    /// <summary>All that follows is one gzip member.</summary>
    Gzip = 2,
}
