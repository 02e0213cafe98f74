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
using Broker.Tests.AspNetCore;
using Microsoft.AspNetCore.Builder;
using static Broker.Tests.AspNetCore.ClientSteps;

namespace Broker.Tests.Host;

/// <summary>The ways into the process beside the reactor's port: https and wss, HTTP/2, and a Unix socket.</summary>
public sealed class DoorsTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broker-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory, InlineData(Transport.Auto), InlineData(Transport.Kestrel)]
    public async Task Every_door_serves_the_page_health_and_WebSockets(Transport transport)
    {
        string socket = Path.Combine(_folder.FullName, "hub");
        var settings = new HostSettings
        {
            Hub = new HubSettings { Transport = transport, Reactors = 1, Listen = new ListenSettings { Port = 0 }, Echo = new EchoSettings { Enabled = true } },
            Tls = MakeFiles(password: "secret") with { Enabled = true, Port = 0 },
            UnixSocket = socket,
        };
        var output = new StringWriter();
        await using var hub = new ActorHub(new Hub(settings.Hub, Config.Empty, TimeProvider.System, Broker.Actors.Dialects.StandardDialects.Of(settings.Hub)));
        await using WebApplication app = BrokerProcess.Build(settings, hub, output, Serilog.Core.Logger.None);
        await app.StartAsync();

        string[] lines = output.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(3, lines.Length);
        Uri plain = new(lines[0]["listening on ".Length..]), secured = new(lines[1]["listening on ".Length..]);
        Assert.Equal($"listening on http://unix:{socket}", lines[2]);

        using var trusting = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown!.Subject == "CN=doors" } };
        using var unix = new SocketsHttpHandler { ConnectCallback = (_, stop) => ConnectUnixAsync(socket, stop) };
        foreach ((Uri address, SocketsHttpHandler handler, Version version) in ((Uri, SocketsHttpHandler, Version)[])
            [(plain, trusting, HttpVersion.Version11), (secured, trusting, HttpVersion.Version11), (secured, trusting, HttpVersion.Version20), (new Uri("http://doors"), unix, HttpVersion.Version11)])
        {
            using var http = new HttpClient(handler, disposeHandler: false) { DefaultRequestVersion = version, DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact };
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

        (X509Certificate2 own, X509Certificate2Collection chain) = CertificateFiles.Load(files);

        Assert.True(own.HasPrivateKey);
        Assert.Equal("CN=doors", own.Subject);
        Assert.Empty(chain);
        Assert.DoesNotContain("secret", files.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_wrong_password_is_told_with_the_key_and_the_file()
    {
        TlsSettings files = MakePfx("secret") with { Password = "guess" };

        var bad = Assert.Throws<SettingException>(() => CertificateFiles.Load(files));

        Assert.StartsWith($"broker.tls.certificate is {files.Certificate}, which cannot be used: ", Assert.Single(bad.Problems), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tls.enabled = maybe", "broker.tls.enabled is maybe, expected on or off.")]
    [InlineData("tls.address = here", "broker.tls.address is here, expected an IP address")]
    [InlineData("tls.port = 65536", "broker.tls.port is 65536, expected a whole number from 0 to 65535.")]
    [InlineData("unix-socket = hub.sock", "broker.unix-socket is hub.sock, expected nothing, or an absolute path of at most 107 bytes.")]
    [InlineData("tls { certificate = /nowhere/cert.pem, enabled = on }", "broker.tls.certificate is /nowhere/cert.pem, expected the path of a PEM or PFX file, because")]
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

    private TlsSettings MakeFiles(string password = "", bool isOneFile = false)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = Sign(new CertificateRequest("CN=doors", key, HashAlgorithmName.SHA256));
        string pem = certificate.ExportCertificatePem(), keyPem = password.Length == 0
            ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));
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

    private static X509Certificate2 Sign(CertificateRequest request) => request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));

    private static async ValueTask<Stream> ConnectUnixAsync(string path, CancellationToken stop)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
        return new NetworkStream(socket, ownsSocket: true);
    }
}
