using Broker.Dialects.Echo;
using Broker.Dialects;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Settings;
using Broker.Configuration;
using Broker.Host;
using Broker.Host.Composition;
using Broker.Host.Hosting;
using Broker.Host.Http;
using Broker.Host.Settings;
using Broker.Host.Tls;
using Broker.Host.UnixSockets;
using Broker.Tests.AspNetCore;
using Microsoft.AspNetCore.Builder;
using static Broker.Tests.AspNetCore.ClientSteps;

namespace Broker.Tests.Host;

/// <summary>The ways into the process beside the reactor's port: https and wss, HTTP/2, and a Unix socket.</summary>
public sealed class EntryPointsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broker-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory, InlineData(Transport.Auto), InlineData(Transport.Kestrel)]
    public async Task Every_entry_point_serves_the_page_health_and_WebSockets(Transport transport)
    {
        string socket = Path.Combine(_folder.FullName, "hub");
        var settings = new HostSettings
        {
            Hub = new StandardSettings { Transport = transport, Reactors = 1, Listen = new ListenSettings { Port = 0 },
                Echo = new EchoSettings { Enabled = true } },
            Tls = MakeFiles(password: "secret") with { Enabled = true, Port = 0 },
            UnixSocket = socket,
        };
        var output = new StringWriter();
        await using var hub =
            new ActorHub(new Hub(settings.Hub.Hub, Config.Empty, TimeProvider.System, Broker.Dialects.StandardDialects.Of(settings.Hub)));
        await using WebApplication app = BrokerProcess.Build(settings, hub, output, Serilog.Core.Logger.None);
        await app.StartAsync();

        string[] lines = output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Uri plain = new(lines[0]["listening on ".Length..]), secured = new(lines[1]["listening on ".Length..]);
        Assert.Equal($"listening on http://unix:{socket}", lines[2]);

        using var trusting =
            new SocketsHttpHandler { SslOptions =
                { RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.Subject == "CN=doors" } };
        using var unix = new SocketsHttpHandler { ConnectCallback = (_, stop) => ConnectUnixAsync(socket, stop) };
        foreach ((Uri address, SocketsHttpHandler handler, Version version) in ((Uri, SocketsHttpHandler, Version)[])
            [(plain, trusting, HttpVersion.Version11), (secured, trusting, HttpVersion.Version11),
                (secured, trusting, HttpVersion.Version20), (new Uri("http://doors"), unix, HttpVersion.Version11)])
        {
            using var http =
                new HttpClient(handler, disposeHandler: false)
                    { DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
            Assert.Equal("{\"status\":\"ready\"}", await http.GetStringAsync(new Uri(address, "/ready"), Limited()));
            Assert.Contains("<title>", await http.GetStringAsync(address, Limited()), StringComparison.Ordinal);

            using var client = new ClientWebSocket();
            client.Options.HttpVersion = version;
            client.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
            var echo = new UriBuilder(address) { Scheme = address.Scheme == "https" ? "wss" : "ws", Path = "/echo" };
            await client.ConnectAsync(echo.Uri, http, Limited());
            await client.SendTextAsync("through this door");
            Assert.Equal("through this door", Encoding.UTF8.GetString((await client.ReceiveWholeAsync()).Bytes));
            await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Limited());
        }

        await app.StopAsync();
        Assert.False(File.Exists(socket));
    }

    [Theory, InlineData("pem"), InlineData("pem in one"), InlineData("encrypted pem"), InlineData("pfx")]
    public void A_certificate_is_read_from_every_kind_of_file(string kind)
    {
        TlsSettings files = kind switch
        {
            "pem" => MakeFiles(),
            "pem in one" => MakeFiles(isOneFile: true),
            "encrypted pem" => MakeFiles(password: "secret"),
            _ => MakePfx("secret"),
        };

        ServerCertificate? read = CertificateFiles.TryLoad(files, out CertificateFault? fault);

        Assert.Null(fault);
        Assert.True(read!.Own.HasPrivateKey);
        Assert.Equal("CN=doors", read.Own.Subject);
        Assert.DoesNotContain("secret", files.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("pfx, wrong password", "password", "the password of the PFX file")]
    [InlineData("pem, wrong password", "password", "the password of the private key")]
    [InlineData("pem, no password", "password", "the password of the private key, which is encrypted")]
    [InlineData("pem, no key", "key", "the path of the PEM file that holds the private key")]
    [InlineData("pem, another key", "key", "the private key of the certificate")]
    [InlineData("key missing", "key", "the path of a PEM file that can be read")]
    [InlineData("a folder", "certificate", "the path of a PEM or PFX file that can be read")]
    [InlineData("noise", "certificate", "a PEM or PFX file with a certificate and its private key")]
    [InlineData("for clients only", "certificate", "a certificate that may identify a server")]
    public void An_unusable_certificate_names_its_settings_key(string kind, string key, string expected)
    {
        TlsSettings files = BadFiles(kind);
        string text =
            $"broker.tls {{ enabled = on, certificate = \"{files.Certificate}\", key = \"{files.Key}\", password = \"{files.Password}\" }}";

        var bad = Assert.Throws<SettingException>(() => LoadAll(text));

        string problem = Assert.Single(bad.Problems);
        Assert.StartsWith($"{ConfigFile} line 1: broker.tls.{key} is ", problem, StringComparison.Ordinal);
        Assert.Contains($"expected {expected}", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("guess", problem, StringComparison.Ordinal);
    }

    private TlsSettings BadFiles(string kind)
    {
        switch (kind)
        {
            case "pfx, wrong password": return MakePfx("secret") with { Password = "guess" };
            case "pem, wrong password": return MakeFiles("secret") with { Password = "guess" };
            case "pem, no password": return MakeFiles("secret") with { Password = "" };
            case "pem, no key": return MakeFiles() with { Key = "" };
            case "key missing": return MakeFiles() with { Key = "/nowhere/key.pem" };
            case "a folder": return MakeFiles() with { Certificate = _folder.FullName };
            case "pem, another key":
                string kept = File.ReadAllText(MakeFiles().Certificate);
                TlsSettings files = MakeFiles();
                File.WriteAllText(files.Certificate, kept);
                return files;
            case "for clients only": return MakeFiles(usage: "1.3.6.1.5.5.7.3.2");
            default:
                string noise = Path.Combine(_folder.FullName, "noise");
                File.WriteAllBytes(noise, [1, 2, 3]);
                return new TlsSettings { Certificate = noise };
        }
    }

    [Theory]
    [InlineData("tls.enabled = maybe", "broker.tls.enabled is maybe, expected on or off.")]
    [InlineData("tls.address = here", "broker.tls.address is here, expected an IP address")]
    [InlineData("tls.port = 65536", "broker.tls.port is 65536, expected a whole number from 0 to 65535.")]
    [InlineData("unix-socket = hub.sock", "broker.unix-socket is hub.sock, expected nothing, or an absolute path of at most 107 bytes.")]
    [InlineData("tls { certificate = /nowhere/cert.pem, enabled = on }",
        "broker.tls.certificate is /nowhere/cert.pem, expected the path of a PEM or PFX file that can be read, because")]
    public void A_bad_value_names_its_key_and_what_was_expected(string text, string expected)
    {
        var bad = Assert.Throws<SettingException>(() => Load(text));

        Assert.StartsWith($"{ConfigFile} line 1: {expected}", Assert.Single(bad.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public void An_open_hub_on_a_TLS_port_for_everyone_is_refused_until_it_is_meant()
    {
        TlsSettings files = MakeFiles();
        string text = $"broker.tls {{ enabled = on, address = 0.0.0.0, certificate = \"{files.Certificate}\", key = \"{files.Key}\" }}";

        var bad = Assert.Throws<SettingException>(() => LoadAll(text));
        Assert.Contains("open to anyone who can reach 0.0.0.0", Assert.Single(bad.Problems), StringComparison.Ordinal);
        Assert.True(LoadAll(text + "\nbroker.listen.allow-anonymous-anywhere = on").Tls.Enabled);
    }

    [Fact]
    public async Task An_abandoned_socket_is_removed_and_one_in_use_and_a_file_are_not()
    {
        string path = Path.Combine(_folder.FullName, "socket");
        using (var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            UnixSocketFile.RemoveIfAbandoned(path);
            Assert.True(File.Exists(path));
            File.Move(path, path + "-kept");
        }

        UnixSocketFile.RemoveIfAbandoned(path + "-kept");
        Assert.False(File.Exists(path + "-kept"));

        await File.WriteAllTextAsync(path, "");
        UnixSocketFile.RemoveIfAbandoned(path);
        Assert.True(File.Exists(path));
    }

    private string ConfigFile => Path.Combine(_folder.FullName, "broker.conf");

    private HostSettings Load(string text) => LoadAll($"broker {{ {text} }}");

    private HostSettings LoadAll(string text)
    {
        File.WriteAllText(ConfigFile, text);
        return SettingsLoader.Load(ConfigFile, new Dictionary<string, string>(), SettingsLayer.Of("command line", [])).Settings;
    }

    private TlsSettings MakeFiles(string password = "", bool isOneFile = false, string? usage = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=doors", key, HashAlgorithmName.SHA256);
        if (usage is not null) request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        using X509Certificate2 certificate = Sign(request);
        string pem = certificate.ExportCertificatePem(), keyPem = password.Length == 0
            ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(
            password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));
        string certificateFile = Path.Combine(_folder.FullName, "cert.pem"), keyFile = Path.Combine(_folder.FullName, "key.pem");
        File.WriteAllText(certificateFile, isOneFile ? $"{pem}\n{keyPem}\n" : pem + "\n");
        if (!isOneFile) File.WriteAllText(keyFile, keyPem);
        return new TlsSettings { Certificate = certificateFile, Key = isOneFile ? "" : keyFile, Password = password };
    }

    private TlsSettings MakePfx(string password)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = Sign(new CertificateRequest("CN=doors", key, HashAlgorithmName.SHA256));
        string file = Path.Combine(_folder.FullName, "cert.pfx");
        File.WriteAllBytes(file, certificate.Export(X509ContentType.Pkcs12, password));
        return new TlsSettings { Certificate = file, Password = password };
    }

    private static X509Certificate2 Sign(CertificateRequest request) =>
        request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));

    private static async ValueTask<Stream> ConnectUnixAsync(string path, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
