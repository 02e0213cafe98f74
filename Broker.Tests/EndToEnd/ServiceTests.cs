using System.Net.Sockets;
using System.Text;

namespace Broker.Tests.EndToEnd;

/// <summary>What the real process sends to systemd (sd_notify(3)).</summary>
public sealed class ServiceTests
{
    [Fact]
    public async Task Systemd_learns_of_start_life_and_end()
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        string folder = Directory.CreateTempSubdirectory("broker-notify").FullName;
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, "notify")));
        var settings = new Dictionary<string, string>
        {
            ["NOTIFY_SOCKET"] = Path.Combine(folder, "notify"),
            ["WATCHDOG_USEC"] = "600000000",
        };
        await using (HostProcess host = await HostProcess.StartAsync(settings))
        {
            Assert.Equal("READY=1", await ReceiveAsync(manager, limit.Token));
            Assert.Equal("WATCHDOG=1", await ReceiveAsync(manager, limit.Token));
            host.SendTerminate();
            Assert.Equal("STOPPING=1", await ReceiveAsync(manager, limit.Token));
            await host.ExpectGracefulEndAsync(HostProcess.Patience);
        }

        Directory.Delete(folder, recursive: true);
    }

    private static async Task<string> ReceiveAsync(Socket manager, CancellationToken cancellationToken)
    {
        byte[] message = new byte[1024];
        return Encoding.UTF8.GetString(message, 0, await manager.ReceiveAsync(message, cancellationToken));
    }
}
