using System.Buffers;
using System.Net;
using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;

namespace Broker.Reactor.Sockets;

/// <summary>The opening handshake of a loop's connections: from the first byte to an open connection or to its refusal.</summary>
internal sealed class Handshaking(SocketReactor reactor, IConnectionAcceptor acceptor, ReactorSettings settings)
{
    private readonly ProxyTrust _proxies = acceptor.Proxies;
    private readonly byte[] _response = new byte[UpgradeResponse.RefusalBytesMax];

    /// <summary>Looks whether the head of the request is whole, and if so, answers it.</summary>
    /// <param name="connection">Still handshaking; afterwards perhaps open, refused or handed over.</param>
    /// <param name="received">Everything received so far. Borrowed.</param>
    /// <param name="scannedBytes">How many of them an earlier call has seen.</param>
    /// <returns>Bytes of the head, and of a PROXY header before it; what is behind them is the first frames.</returns>
    internal int Continue(SocketConnection connection, ReadOnlySpan<byte> received, int scannedBytes)
    {
        switch (FindRequest(connection, received, out int start))
        {
            case OperationStatus.Done: break;
            case OperationStatus.NeedMoreData: return 0;
            default: return received.Length;
        }

        var reader = new UpgradeReader(received[start..], settings.HeadBytesMax, Math.Max(0, scannedBytes - start));
        switch (reader.ReadHead(out UpgradeRequest? request))
        {
            case OperationStatus.Done:
                Answer(connection, request!, received[start..]);
                return start + reader.Position;
            case OperationStatus.NeedMoreData:
                return 0;
            default:
                Refuse(connection, reader.Fault);
                return received.Length;
        }
    }

    // From a peer that is configured so, a PROXY header comes first. From any other it is read as HTTP, which it is not.
    private OperationStatus FindRequest(SocketConnection connection, ReadOnlySpan<byte> received, out int start)
    {
        start = connection.PreambleBytes;
        bool stands = start == 0 && !_proxies.ProxyProtocol.IsEmpty && _proxies.ProxyProtocol.Contains(connection.Remote.Address);
        if (!stands) return OperationStatus.Done;

        var reader = new ProxyHeaderReader(received);
        OperationStatus status = reader.ReadHeader(out IPEndPoint? client);
        if (status == OperationStatus.Done) connection.PassPreamble(start = reader.Position, client ?? connection.Remote);
        else if (status == OperationStatus.InvalidData) Refuse(connection, new UpgradeFault(400, reader.Reason));
        return status;
    }

    private void Answer(SocketConnection connection, UpgradeRequest request, ReadOnlySpan<byte> received)
    {
        WebSocketEndpoint? endpoint = acceptor.Find(request);

        // What is handed over is judged there, request by request.
        if ((endpoint is not null || request.WantsWebSocket) && acceptor.Hosts.Check(request.Host) is { } foreign)
        {
            Refuse(connection, foreign);
            return;
        }

        if (endpoint is null)
        {
            if (request.WantsWebSocket || !TryHandOver(connection, received))
                Refuse(connection, new UpgradeFault(404, "No WebSocket is served at this path."));
            return;
        }

        // Not before it is known to stay ours: a connection handed over may carry the requests of many clients.
        if (!_proxies.Forwarded.IsEmpty) connection.KnowClient(ForwardedRoute.ClientOf(request, connection.Remote, _proxies));

        if (UpgradeRules.Check(request, endpoint.Origins) is { } broken) Refuse(connection, broken);
        else if (endpoint.Subprotocols.Check(request, out ChosenSubprotocol chosen) is { } unmatched) Refuse(connection, unmatched);
        else if (CheckDeflate(request, endpoint, out DeflateOffer? offer) is { } malformed) Refuse(connection, malformed);
        else if (connection.IsSpare)
            Refuse(connection, new UpgradeFault(503, "The server has no file descriptor for one more connection now.")
                { RetryAfter = TimeSpan.FromSeconds(Random.Shared.Next(1, 6)) });
        else if (CheckAddress(connection) is { } limited) Refuse(connection, limited);
        else if (!acceptor.MayOpen(out TimeSpan retryAfter))
            Refuse(connection, new UpgradeFault(503, "The server takes no more connections now.") { RetryAfter = retryAfter });
        else Open(connection, request, endpoint, chosen, offer);
    }

    private UpgradeFault? CheckAddress(SocketConnection connection)
    {
        if (!acceptor.LimitsAddresses) return null;
        UpgradeFault? limited = acceptor.CheckConnect(connection.Remote.Address, out IDisposable? place);
        connection.AddressPlace = place;
        return limited;
    }

    private static UpgradeFault? CheckDeflate(UpgradeRequest request, WebSocketEndpoint endpoint, out DeflateOffer? offer)
    {
        offer = null;
        return endpoint.Deflate is null || request.Extensions is null ? null : DeflateOffer.Check(request.Extensions, out offer);
    }

    private bool TryHandOver(SocketConnection connection, ReadOnlySpan<byte> received)
    {
        byte[] copy = received.ToArray();
        if (!acceptor.TryHandOver(() => connection.TakeOut(copy))) return false;
        connection.EndTakenOut();
        return true;
    }

    private void Open(
        SocketConnection connection, UpgradeRequest request, WebSocketEndpoint endpoint, ChosenSubprotocol chosen, DeflateOffer? offer)
    {
        MessageDeflate? deflate = offer is null ? null : MessageDeflate.Open(endpoint.Deflate!, offer, reactor.Deflate);
        UpgradeResponse.TryWriteSwitch(_response, request.Key!, chosen.Answered, deflate?.Terms.AnswerTo(offer!), out int written);
        connection.Open(
            new FrameEngine(endpoint.EngineAtFirst ?? endpoint.Engine, reactor.Pool, deflate), endpoint, chosen.Supported,
                _response.AsSpan(0, written));
        acceptor.Opened(connection, request);
    }

    /// <summary>The time for the handshake is over.</summary>
    internal void Late(SocketConnection connection) =>
        Refuse(connection, new UpgradeFault(408, $"The request was not complete within {settings.HandshakeLimit.TotalSeconds} s."),
            ClosureCause.HandshakeTimeout);

    /// <summary>The server stops while the handshake is under way.</summary>
    internal void Reject(SocketConnection connection) =>
        Refuse(connection, new UpgradeFault(503, "The server is stopping.") { RetryAfter = TimeSpan.FromSeconds(1) });

    private void Refuse(SocketConnection connection, UpgradeFault fault, ClosureCause cause = ClosureCause.HandshakeRefused)
    {
        reactor.Counters.Handshakes.Add(fault.Status);
        UpgradeResponse.TryWriteRefusal(_response, fault, out int written);
        connection.Refuse(_response.AsSpan(0, written), cause, $"{fault.Status}: {fault.Reason}");
    }
}
