using Broker.Core.Handshake;

namespace Broker.Core.Reactor;

/// <summary>What was agreed in an opening handshake that another server has done.</summary>
/// <param name="Endpoint">The endpoint that the request was for.</param>
/// <param name="Subprotocol">What is spoken, and what was answered.</param>
/// <param name="Request">The request, for whoever is told that the connection is open.</param>
public sealed record CarriedOpening(WebSocketEndpoint Endpoint, ChosenSubprotocol Subprotocol, UpgradeRequest Request);
