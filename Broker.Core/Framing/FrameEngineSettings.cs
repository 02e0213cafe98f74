namespace Broker.Core.Framing;

/// <summary>What an engine takes from its peer. One instance serves all connections of a kind.</summary>
/// <param name="MessageBytesMax">The longest message in bytes, as one frame or as the sum of its fragments; beyond it 1009.</param>
/// <param name="FragmentsMax">The most frames of one message; beyond it 1008.</param>
/// <param name="Side">The side that this engine is.</param>
/// <param name="MaskMode">How exactly the peer is held to the masking rule.</param>
/// <param name="ReservedAllowed">
/// RSV bits (4, 2, 1) of a negotiated extension. A message that has one set is judged only after its extension has transformed it.
/// </param>
/// <param name="NextMaskingKey">A client's source of fresh, unpredictable keys for its replies; a server needs none.</param>
public sealed record FrameEngineSettings(
    int MessageBytesMax,
    int FragmentsMax,
    Side Side = Side.Server,
    MaskMode MaskMode = MaskMode.Strict,
    byte ReservedAllowed = 0,
    Func<uint>? NextMaskingKey = null)
{
    /// <summary>Which longer messages are taken all the same; null for none.</summary>
    public LongMessageRule? LongMessages { get; init; }

    /// <summary>The longest message that may be taken, whatever it begins with.</summary>
    internal int LongestMessageBytes => LongMessages is { } rule ? Math.Max(rule.BytesMax, MessageBytesMax) : MessageBytesMax;

    /// <summary>The rules of a single header that follow from the settings.</summary>
    public FrameRules Rules => new(Side, MaskMode, ReservedAllowed);

    /// <summary>The key of the next frame to send: a fresh one for a client, none for a server.</summary>
    /// <exception cref="InvalidOperationException">A client without a source of keys.</exception>
    internal uint? TakeMaskingKey()
    {
        if (Side == Side.Server) return null;
        if (NextMaskingKey is null) throw new InvalidOperationException("A client needs NextMaskingKey to send.");
        return NextMaskingKey();
    }
}
