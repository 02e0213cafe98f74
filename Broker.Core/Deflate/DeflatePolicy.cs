using Broker.Core.Framing;

namespace Broker.Core.Deflate;

/// <summary>What one endpoint agrees to when a client offers permessage-deflate.</summary>
/// <remarks>Every well-formed offer can be met: each side may be asked to keep no context, and each window made small.</remarks>
/// <param name="Budget">Bounds what the contexts of all connections come to.</param>
public sealed record DeflatePolicy(DeflateBudget Budget)
{
    /// <summary>
    /// Whether the server's messages may refer to earlier ones. Each such connection needs a compressor of its own, and no
    /// message can be compressed once for many.
    /// </summary>
    public bool ServerContext { get; init; }

    /// <summary>Whether the client's messages may refer to earlier ones. Each such connection needs a decompressor of its own.</summary>
    public bool ClientContext { get; init; }

    /// <summary>The largest window that the server compresses with, 8 to 15.</summary>
    public int ServerWindowBitsMax { get; init; } = DeflateOffer.WindowBitsMax;

    /// <summary>The largest window that a client is asked to compress with, where it lets itself be asked: 8 to 15.</summary>
    /// <remarks>A client that knows the extension from zlib may be unable to use 8.</remarks>
    public int ClientWindowBitsMax { get; init; } = DeflateOffer.WindowBitsMax;

    /// <summary>The shortest payload that the server compresses on its own account; an echo is compressed as it came.</summary>
    public int MessageBytesMin { get; init; }

    /// <summary>Gives the terms for an offer.</summary>
    public DeflateTerms Agree(DeflateOffer offer)
    {
        ArgumentNullException.ThrowIfNull(offer);
        return new DeflateTerms(
            Math.Min(offer.ServerWindowBits ?? DeflateOffer.WindowBitsMax, ServerWindowBitsMax),

            // "If a received extension negotiation offer doesn't have the client_max_window_bits extension parameter, the
            // corresponding extension negotiation response ... MUST NOT include" it, section 7.1.2.2.
            offer.ClientWindowBits is { } most ? Math.Min(most, ClientWindowBitsMax) : DeflateOffer.WindowBitsMax,
            ServerContext && !offer.ServerDropsContext,
            ClientContext && !offer.ClientDropsContext);
    }

    /// <summary>
    /// What is agreed with a client whose loop is not known yet: no contexts, so that nothing of the budget is held for a
    /// connection that may never open.
    /// </summary>
    /// <param name="offer">What the client offers.</param>
    internal DeflateTerms AgreeWithoutContexts(DeflateOffer offer) => Agree(offer) with { ServerContext = false, ClientContext = false };
}
