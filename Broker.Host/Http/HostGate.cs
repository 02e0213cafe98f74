using Broker.Core.Upgrade;
using Microsoft.AspNetCore.Connections.Features;

namespace Broker.Host.Http;

/// <summary>Refuses requests for a Host that is not this server's, whatever they ask for; see <see cref="HostRule"/>.</summary>
/// <remarks>A Unix socket has no such rule: no browser reaches it, and the one that may open its file is known to the system.</remarks>
/// <param name="publicPort">The rule of the public port, as it is now.</param>
/// <param name="tlsPort">The rule of the TLS port, as it is now.</param>
public sealed class HostGate(Func<HostRule> publicPort, Func<HostRule> tlsPort)
{
    /// <summary>Judges a request.</summary>
    /// <returns>Why it is refused, or null.</returns>
    public UpgradeFault? Check(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (context.Connection.LocalIpAddress is null) return null;
        HostRule rule = context.Features.Get<ITlsHandshakeFeature>() is null ? publicPort() : tlsPort();
        return rule.Check(context.Request.Host.Value ?? "");
    }

    /// <summary>Answers a request that is refused.</summary>
    public static Task RefuseAsync(HttpContext context, UpgradeFault fault)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Response.StatusCode = fault.Status;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.Response.WriteAsync(fault.Reason + "\n");
    }
}
