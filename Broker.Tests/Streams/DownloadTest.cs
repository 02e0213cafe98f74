using Broker.Actors.Channels.Delivery;
using Broker.Dialects.Centrifuge;
using Broker.Dialects.Native;
using Broker.Dialects;
using System.Text;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Tests.Support;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Streams;

/// <summary>A hub whose turns and clock the test moves, and clients that are sent chunks of 1,024 bytes.</summary>
public abstract class DownloadTest
{
    private protected const int Cap = 1042;       // A payload of one chunk of 1,024 bytes.

    private protected static StandardSettings Small { get; } = new()
    {
        Clients = new ClientSettings { PingInterval = TimeSpan.FromDays(20) },     // A first ping comes at a random moment of it.
        Centrifuge = new CentrifugeSettings { MessageBytesMax = 1024 },
        Native = new NativeSettings { FrameBytesMax = 1024,
            Streams = new StreamSettings { ConnectionBytesMax = 100_000, BytesMax = 80_000 } },
        Routing = new ChannelSettings { BatchBytesMax = 1024 },
    };

    private protected static byte[] SmallHello(int window) => Hello(frameBytesMax: Cap, window: window);

    private protected static string Letters(int count) => new([.. Enumerable.Range(0, count).Select(i => (char)('a' + (i / 7 % 26)))]);

    private protected static HubHarness HubWith(string result)
    {
        var hub = new HubHarness(Small);
        hub.Methods.Add("large", (_, _) => new(Encoding.UTF8.GetBytes(result)));
        hub.Methods.Add("same", static (call, _) => new(call.Arguments));
        return hub;
    }

    private protected static string[] NotCredit(NativeClient client, int count)
    {
        var lines = new List<string>();
        while (lines.Count < count)
        {
            if (client.Next() is var line && !line.StartsWith("credit", StringComparison.Ordinal)) lines.Add(line);
        }

        return [.. lines];
    }

    private protected static string[] Collect(NativeClient client, string last)
    {
        var lines = new List<string>();
        while (lines.Count == 0 || lines[^1] != last) lines.Add(client.Next());
        return [.. lines];
    }
}
