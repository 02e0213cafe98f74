using System.Net;
using System.Text;
using Broker.Identity.Settings;
using Broker.Dialects;
using Broker.Host.Logging;
using Broker.Host.Tls;
using Broker.Host.UnixSockets;

namespace Broker.Host.Settings;

/// <summary>Everything that can be set about the process around the hub.</summary>
public sealed record HostSettings
{
    /// <summary>The hub's own settings.</summary>
    public StandardSettings Hub { get; init; } = new();

    /// <summary>Tokens, revocations and the backend.</summary>
    public IdentitySettings Identity { get; init; } = new();

    /// <summary>The log.</summary>
    public LogSettings Log { get; init; } = new();

    /// <summary>Plain HTTP on the public port.</summary>
    public HttpSettings Http { get; init; } = new();

    /// <summary>A second port, for https and wss.</summary>
    public TlsSettings Tls { get; init; } = new();

    /// <summary>The Unix socket that is listened on too; empty for none.</summary>
    public string UnixSocket { get; init; } = "";

    /// <summary>The mode of its file: who may connect.</summary>
    public UnixFileMode UnixSocketMode { get; init; } = UnixFileModes.OwnerAndGroup;

    /// <summary>How long the process has to be quiet before it returns the memory of its busy time; zero for never.</summary>
    public TimeSpan TrimAfter { get; init; }

    /// <summary>The keyed store.</summary>
    public HostStoreSettings Store { get; init; } = new();

    /// <summary>Addresses beside the public port's that lead to the hub from other machines, if any do.</summary>
    public IReadOnlyList<IPAddress> OtherAddresses => Tls.Enabled ? [Tls.Address] : [];
}

/// <summary>Bounds of plain HTTP on the public port.</summary>
public sealed record HttpSettings
{
    /// <summary>Whether <c>/</c> answers with the page.</summary>
    public bool Page { get; init; } = true;

    /// <summary>Whether <c>/metrics</c> answers with what the hub counts.</summary>
    public bool Metrics { get; init; } = true;

    /// <summary>HTTP connections served at a time; for one more the idlest is closed.</summary>
    public int ConnectionsMax { get; init; } = 1024;

    /// <summary>HTTP connections that may wait to be taken up; one more is closed.</summary>
    public int WaitingMax { get; init; } = 1024;

    /// <summary>How long a request's head may take.</summary>
    public TimeSpan HeadLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may stay without a request.</summary>
    public TimeSpan KeepAliveLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest body of a request.</summary>
    public int BodyBytesMax { get; init; } = 1024 * 1024;
}
