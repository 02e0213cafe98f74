using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Broker.Host.Tls;
using Microsoft.Extensions.Time.Testing;
using Serilog;
using Serilog.Core;
using Serilog.Events;

namespace Broker.Tests.Host;

public sealed class CurrentCertificateTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broker-");
    private readonly FakeTimeProvider _time = new();
    private readonly Sent _sent = new();
    private readonly Logger _log;

    public CurrentCertificateTests() => _log = new LoggerConfiguration().WriteTo.Sink(_sent).CreateLogger();

    public void Dispose()
    {
        _log.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public void A_renewed_file_is_loaded_and_a_bad_one_ignored()
    {
        TlsSettings settings = Write("CN=old");
        using var current = new CurrentCertificate(_log, _time);
        Assert.Null(current.Start(settings));
        Assert.Equal("CN=old", current.Value.Own.Subject);

        _time.Advance(settings.ReloadInterval);
        Assert.Empty(_sent.Lines);

        File.WriteAllText(settings.Certificate, "no certificate");
        _time.Advance(settings.ReloadInterval);
        _time.Advance(settings.ReloadInterval);
        Assert.Equal("CN=old", current.Value.Own.Subject);
        Assert.Contains("cannot be used, so the old certificate stays", Assert.Single(_sent.Lines), StringComparison.Ordinal);

        File.Delete(settings.Certificate);
        _time.Advance(settings.ReloadInterval);
        Assert.Single(_sent.Lines);

        Write("CN=new");
        _time.Advance(settings.ReloadInterval);
        Assert.Equal("CN=new", current.Value.Own.Subject);
        Assert.StartsWith("The certificate was renewed", _sent.Lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Dates_that_clients_reject_are_reported()
    {
        using var current = new CurrentCertificate(_log, _time);
        Assert.Null(current.Start(Write("CN=dated")));

        Assert.Null(current.Value.CheckDates(DateTimeOffset.UtcNow));
        Assert.Contains("has expired at", current.Value.CheckDates(DateTimeOffset.UtcNow.AddDays(2)), StringComparison.Ordinal);
        Assert.Contains("is not valid before", current.Value.CheckDates(DateTimeOffset.UtcNow.AddDays(-2)), StringComparison.Ordinal);
    }

    private TlsSettings Write(string subject)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate =
            new CertificateRequest(subject, key, HashAlgorithmName.SHA256)
                .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string file = Path.Combine(_folder.FullName, "both.pem");
        File.WriteAllText(file, $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
        return new TlsSettings { Enabled = true, Certificate = file };
    }

    private sealed class Sent : ILogEventSink
    {
        public List<string> Lines { get; } = [];

        public void Emit(LogEvent logEvent) => Lines.Add(logEvent.RenderMessage(null));
    }
}
