using System.Globalization;
using System.Net;
using System.Text;
using Broker.Identity.Settings;
using Broker.Actors.Settings;
using Serilog.Events;

namespace Broker.Host.Settings;

/// <summary>Everything that can be set about the process around the hub.</summary>
public sealed record HostSettings
{
    /// <summary>The hub's own settings.</summary>
    public HubSettings Hub { get; init; } = new();

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

    /// <summary>How long the process has to be quiet before it gives back the memory of its busy time; zero for never.</summary>
    public TimeSpan TrimAfter { get; init; }

    /// <summary>The keyed store.</summary>
    public HostStoreSettings Store { get; init; } = new();

    /// <summary>Addresses beside the public port's that lead to the hub from other machines, if any do.</summary>
    public IReadOnlyList<IPAddress> OtherAddresses => Tls.Enabled ? [Tls.Address] : [];
}

/// <summary>What is logged, and how it is written.</summary>
public sealed record LogSettings
{
    /// <summary>The least important events that are written.</summary>
    public LogEventLevel Level { get; init; } = LogEventLevel.Information;

    /// <summary>How an event is written.</summary>
    public LogFormat Format { get; init; } = LogFormat.Text;
}

/// <summary>How a log event is written.</summary>
public enum LogFormat
{
    /// <summary>A line for people.</summary>
    Text,

    /// <summary>A line of compact JSON for machines.</summary>
    Json,
}

/// <summary>Bounds of plain HTTP on the public port.</summary>
public sealed record HttpSettings
{
    /// <summary>Whether <c>/</c> answers with the page.</summary>
    public bool Page { get; init; } = true;

    /// <summary>Whether <c>/metrics</c> answers with what the hub counts.</summary>
    public bool Metrics { get; init; } = true;

    /// <summary>HTTP connections served at a time; one more is closed.</summary>
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

/// <summary>A second port, for https and wss: the page, health and WebSockets, over HTTP/1.1 and HTTP/2.</summary>
public sealed record TlsSettings
{
    /// <summary>Whether the port is opened.</summary>
    public bool Enabled { get; init; }

    /// <summary>The address to listen on.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 lets the system pick a free one.</summary>
    public int Port { get; init; } = 8443;

    /// <summary>The file of the certificate, PEM or PFX; a PEM may hold the chain behind it.</summary>
    public string Certificate { get; init; } = "";

    /// <summary>The PEM file of the private key; empty if the certificate's own file holds it.</summary>
    public string Key { get; init; } = "";

    /// <summary>The password of the PFX or of the key; empty for none.</summary>
    public string Password { get; init; } = "";

    // A record prints its properties, and this one must not print its password.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture, $"{nameof(Enabled)} = {Enabled}, {nameof(Address)} = {Address}, {nameof(Port)} = {Port}, {nameof(Certificate)} = {Certificate}");
        return true;
    }
}
