using System.Buffers.Binary;
using Broker.Client;
using Broker.Core.Protocol.Store;
using Broker.Tests.Hostile;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>A client that asks for far more than it reads does not hold up the end of the process.</summary>
public sealed class UnreadResultsTests : StoreHost
{
    private const int ReadsCount = 200;
    private const int ValueBytes = 60 * 1024 * 1024;
    private const byte Call = 0x20;
    private const ulong ReadMethod = 0x2c2622a151f2cdf2;

    private protected override IReadOnlyDictionary<string, string> Variables { get; } =
        new Dictionary<string, string> { ["BROKER_SHUTDOWN_GRACE"] = "2s" };

    [Fact]
    public async Task A_stop_with_two_hundred_long_reads_pending_keeps_to_its_grace()
    {
        using var limit = new CancellationTokenSource(2 * Patience);
        await using (BrokerClient writer = await ConnectAsync())
            await new StoreClient(writer).WriteAsync(Bytes("long"), new byte[ValueBytes], Durability.Memory);

        using Attacker reader = await (await Attacker.ConnectAsync(Host.Port, limit.Token, receiveBytes: 4096))
            .UpgradeAsync(HostileNativeClient.Path, HostileNativeClient.Offer("v3.broker"), limit.Token);
        await reader.SendHelloAsync(limit.Token);
        byte[] calls = [.. Enumerable.Range(1, ReadsCount).SelectMany(number => ReadOf((uint)number))];
        Assert.True(await reader.TrySendAsync(HostileClient.Frame(HostileClient.Binary, calls), limit.Token));
        await reader.ReadFrameAsync(limit.Token);       // The first of what it will never read: the calls are being answered.

        Host.SendTerminate();

        await Host.ExpectGracefulEndAsync(Patience);
    }

    private static byte[] ReadOf(uint number)
    {
        byte[] body = new byte[17 + 4];
        BinaryPrimitives.WriteUInt32LittleEndian(body, number);
        BinaryPrimitives.WriteUInt64LittleEndian(body.AsSpan(4), ReadMethod);
        "long"u8.CopyTo(body.AsSpan(17));
        return HostileNativeClient.Message(Call, body);
    }
}
