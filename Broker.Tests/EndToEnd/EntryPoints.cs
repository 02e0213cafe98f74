using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Broker.Tests.EndToEnd;

/// <summary>What a host needs to open its other doors: a certificate for loopback, made here, and a place for a Unix socket.</summary>
internal sealed class EntryPoints : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broker-doors-");
    private string _certificateHash;

    public EntryPoints()
    {
        (_certificateHash, PublicKeyHash) = MakeCertificate();
        Http = new HttpMessageInvoker(
            new SocketsHttpHandler { UseProxy = false,
                SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => Trusts(shown) } });
    }

    /// <summary>Writes another certificate into the same files, and trusts that one from now on.</summary>
    public void RenewCertificate() => (_certificateHash, PublicKeyHash) = MakeCertificate();

    private (string CertificateHash, string PublicKeyHash) MakeCertificate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using X509Certificate2 certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(CertificateFile, certificate.ExportCertificatePem() + "\n");
        File.WriteAllText(KeyFile, key.ExportPkcs8PrivateKeyPem() + "\n");
        return (certificate.GetCertHashString(), Convert.ToBase64String(SHA256.HashData(key.ExportSubjectPublicKeyInfo())));
    }

    /// <summary>Where the Unix socket is.</summary>
    public string UnixSocket => Path.Combine(_folder.FullName, "hub.sock");

    /// <summary>The certificate as PEM, which signs itself: who trusts this file trusts the host.</summary>
    public string CertificateFile => Path.Combine(_folder.FullName, "cert.pem");

    /// <summary>SHA-256 of the public key in Base64, as browsers name a key that they are told to trust.</summary>
    public string PublicKeyHash { get; private set; }

    private string KeyFile => Path.Combine(_folder.FullName, "key.pem");

    /// <summary>The settings that open both doors, as variables.</summary>
    public Dictionary<string, string> Settings => new()
    {
        ["BROKER_TLS_ENABLED"] = "on",
        ["BROKER_TLS_PORT"] = "0",
        ["BROKER_TLS_CERTIFICATE"] = CertificateFile,
        ["BROKER_TLS_KEY"] = KeyFile,
        ["BROKER_UNIX_SOCKET"] = UnixSocket,
    };

    /// <summary>The settings for a way in: of the host's other doors, or of its public port.</summary>
    public Dictionary<string, string> SettingsFor(WayIn way) => way switch
    {
        WayIn.Reactor or WayIn.Kestrel => new() { ["BROKER_TRANSPORT"] = way.ToString() },
        _ => Settings,
    };

    /// <summary>Variables by which clients in other languages trust the certificate that was made here: OpenSSL's and Node's.</summary>
    public Dictionary<string, string> ClientEnvironment =>
        new() { ["SSL_CERT_FILE"] = CertificateFile, ["NODE_EXTRA_CA_CERTS"] = CertificateFile };

    /// <summary>Asks, and trusts the certificate that was made here and no other.</summary>
    public HttpMessageInvoker Http { get; }

    /// <summary>Whether a certificate is the one that was made here.</summary>
    public bool Trusts(X509Certificate? shown) => shown?.GetCertHashString() == _certificateHash;

    /// <inheritdoc/>
    public void Dispose()
    {
        Http.Dispose();
        _folder.Delete(recursive: true);
    }
}
