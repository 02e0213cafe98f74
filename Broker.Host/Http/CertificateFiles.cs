using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Broker.Configuration;
using Broker.Host.Settings;

namespace Broker.Host.Http;

/// <summary>Reads the certificate that the TLS port shows.</summary>
public static class CertificateFiles
{
    /// <summary>Reads the files that the settings name.</summary>
    /// <returns>The certificate with its private key, and the certificates of the chain behind it.</returns>
    /// <exception cref="SettingException">A file cannot be read, or the key is missing or another's.</exception>
    public static (X509Certificate2 Own, X509Certificate2Collection Chain) Load(TlsSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        try
        {
            return IsPem(settings.Certificate) ? LoadPem(settings) : LoadPfx(settings);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            throw new SettingException($"broker.tls.certificate is {settings.Certificate}, which cannot be used: {unreadable.Message}");
        }
    }

    // "-----BEGIN" stands at the start of a line somewhere; a PFX is binary.
    private static bool IsPem(string path) => File.ReadAllText(path).Contains("-----BEGIN ", StringComparison.Ordinal);

    private static (X509Certificate2, X509Certificate2Collection) LoadPem(TlsSettings settings)
    {
        string? key = settings.Key.Length > 0 ? settings.Key : null;
        X509Certificate2 own = settings.Password.Length > 0
            ? X509Certificate2.CreateFromEncryptedPemFile(settings.Certificate, settings.Password, key)
            : X509Certificate2.CreateFromPemFile(settings.Certificate, key);
        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(settings.Certificate);
        return (own, Others(all, own));
    }

    private static (X509Certificate2, X509Certificate2Collection) LoadPfx(TlsSettings settings)
    {
        X509Certificate2Collection all = X509CertificateLoader.LoadPkcs12CollectionFromFile(settings.Certificate, settings.Password);
        X509Certificate2 own = all.FirstOrDefault(each => each.HasPrivateKey) ?? throw new CryptographicException("It holds no private key.");
        return (own, Others(all, own));
    }

    private static X509Certificate2Collection Others(X509Certificate2Collection all, X509Certificate2 own) =>
        [.. all.Where(each => each.Thumbprint != own.Thumbprint)];
}
