namespace Broker.Core.Framing;

/// <summary>One whole data message, borrowed from its turn.</summary>
public readonly ref struct Message
{
    /// <summary>The payload does not lie in the input: it was put together in a buffer of its own.</summary>
    internal const int Assembled = -2;

    /// <summary>The payload does not lie in the input: it was inflated into a buffer of its own.</summary>
    internal const int Inflated = -3;

    internal Message(Opcode opcode, byte reserved, Span<byte> payload, int at)
    {
        Opcode = opcode;
        Reserved = reserved;
        Payload = payload;
        At = at;
    }

    /// <summary>Text or binary.</summary>
    public Opcode Opcode { get; }

    /// <summary>The RSV bits of the first frame: 0 unless an extension was negotiated. 4: it came compressed.</summary>
    public byte Reserved { get; }

    /// <summary>Unmasked, and valid UTF-8 if text. May be changed. Borrowed until the turn reads on or ends.</summary>
    public Span<byte> Payload { get; }

    /// <summary>Where in the input's buffer the payload lies, or <see cref="Assembled"/> or <see cref="Inflated"/>.</summary>
    internal int At { get; }
}
