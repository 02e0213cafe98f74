using System.Net;

namespace Broker.Core.Upgrade;

/// <summary>Finds the client behind the proxies that a request came through.</summary>
public static class ForwardedRoute
{
    /// <summary>Walks the hops from the nearest, as long as each is one that is believed.</summary>
    /// <param name="request">The request with its headers.</param>
    /// <param name="peer">Who sent it to us.</param>
    /// <param name="trust">Who is believed.</param>
    /// <returns>
    /// The first address that is not believed to be a proxy; <paramref name="peer"/> itself if it is none. Where a hop is
    /// unreadable, hidden or missing, the proxy that told of it: what stands further left is anyone's word. A port that
    /// no hop told is 0.
    /// </returns>
    public static IPEndPoint ClientOf(UpgradeRequest request, IPEndPoint peer, ProxyTrust trust)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(peer);
        ArgumentNullException.ThrowIfNull(trust);
        if (trust.Forwarded.IsEmpty || !trust.Forwarded.Contains(peer.Address)) return peer;

        IReadOnlyList<string> hops = HopsOf(request, trust.Header);
        IPEndPoint nearest = peer;
        for (int i = hops.Count - 1; i >= 0 && trust.Forwarded.Contains(nearest.Address); i--)
        {
            if (!ForwardedNode.TryRead(hops[i], out IPEndPoint next)) break;
            nearest = next;
        }

        return nearest;
    }

    private static IReadOnlyList<string> HopsOf(UpgradeRequest request, ForwardedHeader header)
    {
        if (header == ForwardedHeader.Forwarded)
            return request.TryGetHeader("Forwarded", out string? elements) && ForwardedElements.TryRead(elements, out List<string> nodes)
                ? nodes : [];

        return request.TryGetHeader("X-Forwarded-For", out string? addresses)
            ? addresses.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            : [];
    }
}
