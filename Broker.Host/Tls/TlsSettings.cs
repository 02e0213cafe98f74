using System.Globalization;
using System.Net;
using System.Text;

namespace Broker.Host.Tls;

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

    /// <summary>How often the files are looked at for a renewed certificate; zero for never.</summary>
    public TimeSpan ReloadInterval { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The password of the PFX or of the key; empty for none.</summary>
    public string Password { get; init; } = "";

    // A record prints its properties, and this one must not print its password.
    private bool PrintMembers(StringBuilder text)
    {
        text.Append(CultureInfo.InvariantCulture,
            $"{nameof(Enabled)} = {Enabled}, {nameof(Address)} = {Address}, {nameof(Port)} = {Port}, {nameof(Certificate)} = "
                + $"{Certificate}");
        return true;
    }
}
