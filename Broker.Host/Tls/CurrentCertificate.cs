using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using Broker.Configuration;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Tls;

/// <summary>
/// The certificate that new handshakes show. It is renewed while the process runs; connections that are open keep theirs.
/// </summary>
/// <param name="log">Is notified of each renewal, and of each file that cannot be used.</param>
/// <param name="time">The clock.</param>
public sealed class CurrentCertificate(ILogger log, TimeProvider time) : IDisposable
{
    private readonly Lock _gate = new();
    private TlsSettings _settings = new();
    private ServerCertificate? _current;
    private string _seen = "";              // What the files held when they were last looked at.
    private ITimer? _timer;

    /// <summary>What a handshake shows now.</summary>
    /// <exception cref="InvalidOperationException">Nothing has been loaded.</exception>
    public ServerCertificate Value => Volatile.Read(ref _current) ?? throw new InvalidOperationException("No certificate has been loaded.");

    /// <summary>Loads the certificate for the first time and begins to watch its files.</summary>
    /// <returns>What is wrong with the files, or null.</returns>
    public CertificateFault? Start(TlsSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (Load(settings, out CertificateFault? fault) is null) return fault;
        if (settings.ReloadInterval > TimeSpan.Zero)
            _timer = time.CreateTimer(
                static state => ((CurrentCertificate)state!).Look(), this, settings.ReloadInterval, settings.ReloadInterval);
        return null;
    }

    /// <summary>Takes new settings: other files, another password. What cannot be used changes nothing.</summary>
    /// <returns>What is wrong with the files, or null.</returns>
    public CertificateFault? Reload(TlsSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return Load(settings, out CertificateFault? fault) is null ? fault : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();

    private void Look()
    {
        TlsSettings settings;
        lock (_gate)
        {
            settings = _settings;
            if (!TryFingerprint(settings, out string? now) || now == _seen) return;
        }

        // A file that is being written is bad for a moment: it is looked at again when it has changed again.
        if (Load(settings, out CertificateFault? fault) is null)
            log.Error("The certificate files have changed and cannot be used, so the old certificate stays: broker.tls.{Key:l}, expected "
                + "{Expected:l}", fault!.Key, fault.Expected);
    }

    private ServerCertificate? Load(TlsSettings settings, out CertificateFault? fault)
    {
        lock (_gate)
        {
            _ = TryFingerprint(settings, out string? seen);
            _seen = seen ?? "";
            if (CertificateFiles.TryLoad(settings, out fault) is not { } loaded) return null;
            _settings = settings;
            ServerCertificate? before = _current;
            Volatile.Write(ref _current, loaded);
            if (before is not null && before.Own.Thumbprint != loaded.Own.Thumbprint)
                log.Information(
                    "The certificate was renewed; new connections get the one that is valid until {NotAfter:u}",
                        loaded.Own.NotAfter.ToUniversalTime());
            return loaded;
        }
    }

    private static bool TryFingerprint(TlsSettings settings, [NotNullWhen(true)] out string? fingerprint)
    {
        fingerprint = null;
        try
        {
            fingerprint = string.Join(' ', ((string[])[settings.Certificate, settings.Key]).Where(path => path.Length > 0).Select(HashOf));
            return true;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            // Renewed files are often moved into place: for a moment there is none.
            return false;
        }
    }

    private static string HashOf(string path) =>
        Convert.ToHexString(SHA256.HashData(SettingFile.ReadAllBytes(path, CertificateFiles.FileBytesMax)));
}
