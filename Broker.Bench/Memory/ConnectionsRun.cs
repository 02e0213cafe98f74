using Broker.Dialects.Echo;
using Broker.Dialects;
using System.Buffers;
using System.Diagnostics;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Settings;
using Broker.Core.Framing;
using Broker.Core.Upgrade;
using Broker.Reactor.Pipes;

namespace Broker.Bench.Memory;

/// <summary>
/// Opens connections on a hub with one loop, more than this system has sockets for: they come in by the entrance that
/// Kestrel's come in by, over carriers in memory.
/// </summary>
/// <remarks>
/// Above the socket everything is as ever. Below it is a carrier with its read under way, which costs more than a socket of the reactor.
/// </remarks>
internal static class ConnectionsRun
{
    private const int AtFirst = 1000;       // Those make the compiler and the tables ready.
    private const uint Key = 0x37fa213d;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    public static async Task<int> RunAsync(int count, bool centrifuge, CancellationToken stop)
    {
        var settings = new StandardSettings
        {
            Reactors = 1,
            Transport = Transport.Kestrel,
            Listen = new ListenSettings { ConnectionsMax = count + AtFirst },
            Echo = new EchoSettings { Enabled = true },
        };
        await using var hub =
            new Hub(settings.Hub, ConfigurationFactory.ParseString("akka { loglevel = WARNING }"), TimeProvider.System,
                Broker.Dialects.StandardDialects.Of(settings));
        hub.Start(plainHttp: null);

        UpgradeRequest request = Request(centrifuge ? settings.Centrifuge.Path : settings.Echo.Path);
        byte[] sent = centrifuge ? FrameWriter.Frame(Opcode.Text, """{"id":1,"connect":{}}"""u8, Key) : [];
        var tally = new QuietCarrier.Tally();
        Open(AtFirst);
        Footprint before = Footprint.Collected(out _);
        long start = Stopwatch.GetTimestamp();
        Open(count);
        Footprint.Print(
            centrifuge ? "idle client of Centrifuge JSON" : "idle echo connection", count, Stopwatch.GetElapsedTime(start), before);
        return 0;

        void Open(int more)
        {
            int silent = tally.Silent + more, reported = centrifuge ? tally.Notified + more : 0;
            for (int i = 0; i < more; i++)
            {
                stop.ThrowIfCancellationRequested();
                if (hub.Entrance.Check(request, request.Path, isConnect: false, out CarriedOpening? opening) is { } refused)
                    throw new InvalidOperationException(refused.Reason);
                _ = hub.Entrance.OpenAsync(opening!, new QuietCarrier(sent, tally));
            }

            if (!SpinWait.SpinUntil(() => tally.Silent >= silent && tally.Notified >= reported, s_patience))
                throw new InvalidOperationException($"Of {silent} connections {tally.Silent} came to be.");
        }
    }

    private static UpgradeRequest Request(string path)
    {
        string head =
            $"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
                + $"13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        var reader = new UpgradeReader(System.Text.Encoding.ASCII.GetBytes(head), headBytesMax: 1024);
        return reader.ReadHead(out UpgradeRequest? request) == OperationStatus.Done ? request!
            : throw new InvalidOperationException(reader.Fault.Reason);
    }
}
