using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Broker.Configuration;

namespace Broker.Host.Tls;

/// <summary>Reads the certificate that the TLS port shows: the one judgement of it, at start, in check-config and at each reload.</summary>
public static class CertificateFiles
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    internal const int FileBytesMax = 1024 * 1024;

    /// <summary>Reads the files that the settings name.</summary>
    /// <param name="settings">Of the TLS port.</param>
    /// <param name="fault">What is wrong, if the result is null.</param>
    /// <returns>What a handshake shows, or null.</returns>
    public static ServerCertificate? TryLoad(TlsSettings settings, out CertificateFault? fault)
    {
        ArgumentNullException.ThrowIfNull(settings);
        fault = null;
        if (ReadFile(settings.Certificate, "certificate", "a PEM or PFX file", out byte[] bytes) is { } unreadable) fault = unreadable;
        else if (settings.Key.Length > 0 && ReadFile(settings.Key, "key", "a PEM file", out _) is { } keyless) fault = keyless;
        if (fault is not null) return null;

        try
        {
            (X509Certificate2 own, X509Certificate2Collection chain) = IsPem(bytes) ? LoadPem(settings) : LoadPfx(settings, bytes);
            if (!MayServe(own))
            {
                fault = new CertificateFault("certificate", "a certificate that may identify a server (extended key usage serverAuth)");
                return null;
            }

            return new ServerCertificate(own, SslStreamCertificateContext.Create(own, chain, offline: true));
        }
        catch (CertificateFaultException bad)
        {
            fault = bad.Fault;
            return null;
        }
        catch (Exception bad) when (
            bad is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException or NotSupportedException)
        {
            fault = new CertificateFault(
                "certificate", $"a certificate with its private key; {settings.Certificate} cannot be used: {bad.Message.TrimEnd('.')}");
            return null;
        }
    }

    // At most so much, because a path may lead to a device that never ends.
    private static CertificateFault? ReadFile(string path, string key, string kind, out byte[] bytes)
    {
        bytes = [];
        try
        {
            bytes = SettingFile.ReadAllBytes(path, FileBytesMax);
            return bytes.Length > FileBytesMax ? new CertificateFault(key, $"the path of {kind} of at most 1MiB") : null;
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return new CertificateFault(
                key, $"the path of {kind} that can be read, because broker.tls.enabled is on ({missing.Message.TrimEnd('.')})");
        }
    }

    // "-----BEGIN" stands at the start of a line somewhere; a PFX is binary.
    private static bool IsPem(byte[] bytes) => bytes.AsSpan().IndexOf("-----BEGIN "u8) >= 0;

    private static (X509Certificate2, X509Certificate2Collection) LoadPem(TlsSettings settings)
    {
        string certificates = SettingFile.ReadAllText(settings.Certificate, FileBytesMax);
        string keys = settings.Key.Length > 0 ? SettingFile.ReadAllText(settings.Key, FileBytesMax) : certificates;
        bool isEncrypted = keys.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal);
        if (isEncrypted && settings.Password.Length == 0)
            throw new CertificateFaultException("password", "the password of the private key, which is encrypted");
        if (!keys.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
            throw new CertificateFaultException("key", "the path of the PEM file that holds the private key");

        X509Certificate2 own;
        try
        {
            own = isEncrypted
                ? X509Certificate2.CreateFromEncryptedPem(certificates, keys, settings.Password)
                : X509Certificate2.CreateFromPem(certificates, keys);
        }
        catch (Exception bad) when (bad is CryptographicException or ArgumentException)
        {
            throw BlameFor(certificates, keys, isEncrypted ? settings.Password : null, bad);
        }

        var all = new X509Certificate2Collection();
        all.ImportFromPem(certificates);
        return (own, Others(all, own));
    }

    private static CertificateFaultException BlameFor(string certificates, string keys, string? password, Exception bad)
    {
        string message = bad.Message.TrimEnd('.');
        try
        {
            X509Certificate2.CreateFromPem(certificates).Dispose();
        }
        catch (CryptographicException unusable)
        {
            return new CertificateFaultException("certificate", $"a PEM file with a certificate ({unusable.Message.TrimEnd('.')})");
        }

        return password is not null && !Decrypts(keys, password)
            ? new CertificateFaultException("password", $"the password of the private key ({message})")
            : new CertificateFaultException("key", $"the private key of the certificate ({message})");
    }

    private static bool Decrypts(string keys, string password)
    {
        foreach (AsymmetricAlgorithm kind in (AsymmetricAlgorithm[])[RSA.Create(), ECDsa.Create()])
        {
            using (kind)
            {
                try
                {
                    kind.ImportFromEncryptedPem(keys, password);
                    return true;
                }
                catch (Exception other) when (other is CryptographicException or ArgumentException)
                {
                    // Another password, or a key of the other kind.
                }
            }
        }

        return false;
    }

    private static (X509Certificate2, X509Certificate2Collection) LoadPfx(TlsSettings settings, byte[] bytes)
    {
        if (!IsPfx(bytes))
            throw new CertificateFaultException("certificate", "a PEM or PFX file with a certificate and its private key");

        X509Certificate2Collection all;
        try
        {
            all = X509CertificateLoader.LoadPkcs12Collection(bytes, settings.Password);
        }
        catch (CryptographicException bad)
        {
            throw new CertificateFaultException(
                "password", $"the password of the PFX file {settings.Certificate} ({bad.Message.TrimEnd('.')})");
        }

        X509Certificate2 own = all.FirstOrDefault(each => each.HasPrivateKey)
            ?? throw new CertificateFaultException("certificate", "a PFX file that holds the private key too");
        return (own, Others(all, own));
    }

    private static bool IsPfx(byte[] bytes)
    {
        try
        {
            return X509Certificate2.GetCertContentType(bytes) is X509ContentType.Pkcs12;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static bool MayServe(X509Certificate2 own) => own.Extensions.OfType<X509EnhancedKeyUsageExtension>()
        .All(usage => usage.EnhancedKeyUsages.Count == 0
        || usage.EnhancedKeyUsages.Cast<Oid>().Any(each => each.Value == ServerAuthentication));

    private static X509Certificate2Collection Others(X509Certificate2Collection all, X509Certificate2 own) =>
        [.. all.Where(each => each.Thumbprint != own.Thumbprint)];
}

/// <summary>What is wrong with the files of a certificate.</summary>
/// <param name="Key">The key to blame, under <c>broker.tls</c>.</param>
/// <param name="Expected">What would be right, to follow "expected".</param>
public sealed record CertificateFault(string Key, string Expected);

/// <summary>A certificate with its private key and the chain behind it, ready for handshakes.</summary>
/// <param name="Own">The certificate.</param>
/// <param name="Context">What a handshake shows.</param>
public sealed record ServerCertificate(X509Certificate2 Own, SslStreamCertificateContext Context)
{
    /// <summary>What is odd about its dates at a time, or null: a server starts with it all the same, and clients refuse it.</summary>
    public string? CheckDates(DateTimeOffset now) =>
        now < Own.NotBefore
            ? FormattableString.Invariant(
            $"The certificate of broker.tls is not valid before {Own.NotBefore.ToUniversalTime():u}; clients refuse it.")
        : now > Own.NotAfter
        ? FormattableString.Invariant(
        $"The certificate of broker.tls has expired at {Own.NotAfter.ToUniversalTime():u}; clients refuse it.")
        : null;
}

/// <summary>Carries a fault out of the reading of a file.</summary>
internal sealed class CertificateFaultException(string key, string expected) : Exception(expected)
{
    /// <summary>What is wrong.</summary>
    internal CertificateFault Fault { get; } = new(key, expected);
}
