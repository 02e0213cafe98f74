namespace Broker.Tests.Conformance.Wire;

/// <summary>What kind of event the server caused.</summary>
public enum ReceivedKind
{
    /// <summary>A whole text message.</summary>
    Text = 1,

    /// <summary>A whole binary message.</summary>
    Binary = 2,

    /// <summary>A pong.</summary>
    Pong = WireFrame.PongOpcode,
}

/// <summary>One recorded event: a whole message, reassembled and decompressed, or a pong.</summary>
/// <param name="Kind">Text, binary or pong.</param>
/// <param name="Payload">Its octets; they belong to the event.</param>
public sealed record Received(ReceivedKind Kind, ReadOnlyMemory<byte> Payload)
{
    /// <summary>Kind, length and first octets.</summary>
    public override string ToString() => $"{Kind} {Octets.Describe(Payload.Span)}";
}

/// <summary>One event that a case waits for.</summary>
/// <param name="Kind">Text, binary or pong.</param>
/// <param name="Payload">Its exact octets.</param>
public sealed record Expected(ReceivedKind Kind, Octets Payload)
{
    /// <summary>Whether a recorded event is this one.</summary>
    public bool Matches(Received received) => received.Kind == Kind && Payload.Matches(received.Payload.Span);

    /// <summary>Kind, length and first octets.</summary>
    public override string ToString() => $"{Kind} {Payload}";
}

/// <summary>The server's close frame.</summary>
/// <param name="Code">Its code, or null if the payload was empty.</param>
/// <param name="Reason">Its reason, perhaps empty.</param>
public sealed record ServerClose(int? Code, string Reason)
{
    /// <summary>Code and reason.</summary>
    public override string ToString() => Code is int code ? $"close {code} {Reason}".TrimEnd() : "close without code";
}
