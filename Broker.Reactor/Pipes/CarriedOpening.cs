using Broker.Core.Deflate;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;

namespace Broker.Reactor.Pipes;

/// <summary>
/// What was agreed in an opening handshake, or any other request that opens a connection, which another server has answered.
/// </summary>
/// <param name="Endpoint">The endpoint that the request was for.</param>
/// <param name="Subprotocol">What is used, and what was answered.</param>
/// <param name="Request">The request, for the one that is told that the connection is open.</param>
public sealed record CarriedOpening(ConnectionEndpoint Endpoint, ChosenSubprotocol Subprotocol, UpgradeRequest Request)
{
    /// <summary>The value for Sec-WebSocket-Extensions, or <c>null</c> to leave the field out.</summary>
    public string? Extensions { get; private init; }

    /// <summary>What the connection holds among those of its address, if anything; returned with its end.</summary>
    public IDisposable? Place { get; init; }

    internal DeflateTerms? Deflate { get; private init; }

    /// <summary>What the terms were agreed by; null where there are none.</summary>
    internal DeflatePolicy? Policy { get; private init; }

    /// <summary>Agrees on compression, if the endpoint has it and the client offers it.</summary>
    /// <param name="agreed">The same opening, with what was agreed.</param>
    /// <returns>Status 400 for a field that is no list of extensions, or <c>null</c>.</returns>
    public UpgradeFault? AgreeOnExtensions(out CarriedOpening agreed)
    {
        agreed = this;
        if ((Endpoint as WebSocketEndpoint)?.Deflate is not { } policy || Request.Extensions is not { } extensions) return null;
        if (DeflateOffer.Check(extensions, out DeflateOffer? offer) is { } malformed) return malformed;
        if (offer is null) return null;

        DeflateTerms terms = policy.AgreeWithoutContexts(offer);
        agreed = this with { Deflate = terms, Policy = policy, Extensions = terms.AnswerTo(offer) };
        return null;
    }
}
