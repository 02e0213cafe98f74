using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using Broker.Dialects;
using System.Buffers;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Settings;

namespace Broker.Bench.Native;

/// <summary>The hub that the scenarios talk to: as it is, on one loop, with three methods.</summary>
internal static class NativeHub
{
    /// <summary>Bytes of a blob.</summary>
    internal const int BlobBytes = (64 * 1024 * 1024) - 64;

    internal static readonly TimeSpan SlowTime = TimeSpan.FromSeconds(20);

    public static async Task<int> RunAsync(int port, CancellationToken stop)
    {
        var settings = new StandardSettings
        {
            Reactors = 1,
            Listen = new ListenSettings { Port = port },
            Calls = new CallSettings { PendingMax = 4096 },
        };
        await using var hub =
            new Hub(settings.Hub, ConfigurationFactory.ParseString("akka { loglevel = WARNING }"), TimeProvider.System,
                Broker.Dialects.StandardDialects.Of(settings));
        hub.Methods.Add("same", static (call, _) => new(call.Arguments));
        hub.Methods.AddInline("quick", static (call, result) => result.Write(call.Arguments));
        hub.Methods.Add("slow", static async (call, cancellationToken) =>
        {
            await Task.Delay(SlowTime, cancellationToken);
            return call.Arguments;
        });

        // Made by the first call, and the same for all: what is measured is the way to the client.
        var blob = new Lazy<byte[]>(static () =>
        {
            byte[] bytes = GC.AllocateUninitializedArray<byte>(BlobBytes);
            bytes.AsSpan().Fill(7);
            return bytes;
        });
        hub.Methods.Add("blob", (_, _) => new(blob.Value));
        hub.Start(plainHttp: null);
        try
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, stop);
        }
        catch (OperationCanceledException)
        {
            // It was asked to stop.
        }

        return 0;
    }
}
