namespace Broker.Core.Upgrade;

/// <summary>Which peers are proxies, and what is believed of them about who is behind them. Of all others, nothing.</summary>
public sealed record ProxyTrust
{
    private static readonly AddressRanges Nobody = new([]);

    /// <summary>Believes no one.</summary>
    public static ProxyTrust None { get; } = new();

    /// <summary>Peers that begin each connection with a PROXY header. From them it is required; from others it is no HTTP.</summary>
    public AddressRanges ProxyProtocol { get; init; } = Nobody;

    /// <summary>Peers whose <see cref="Header"/> is believed.</summary>
    public AddressRanges Forwarded { get; init; } = Nobody;

    /// <summary>The one header that those peers write. The other passes through most proxies as the client wrote it.</summary>
    public ForwardedHeader Header { get; init; }
}

/// <summary>A header in which proxies name the client.</summary>
public enum ForwardedHeader
{
    /// <summary><c>X-Forwarded-For</c>: addresses with commas between them, each hop adding its peer behind the others.</summary>
    XForwardedFor,

    /// <summary><c>Forwarded</c>: the same in the <c>for</c> of each element. RFC 7239.</summary>
    Forwarded,
}
