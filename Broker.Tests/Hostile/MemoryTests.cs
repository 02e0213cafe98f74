using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Store;
using Broker.Tests.EndToEnd;
using Xunit.Abstractions;

namespace Broker.Tests.Hostile;

/// <summary>
/// Whatever unknown clients upload, read or are refused, the process's resident memory stays under the budget of its transfers and
/// a base, and comes back when they are quiet.
/// </summary>
/// <remarks>
/// A short suite moves some megabytes, more than a leak could hide in; BROKER_TESTS_TRANSFER_GIB says how many gibibytes of each kind are
/// moved in a run by hand. docs/SECURITY.md has the figures of one.
/// </remarks>
public sealed class MemoryTests(ITestOutputHelper output)
{
    private const int MiB = 1024 * 1024;
    private const int BudgetMiB = 256;
    private const int PeakSlackMiB = 192;       // Garbage that is not collected yet, and what the loops and the database keep.
    private const int QuietSlackMiB = 64;

    private static readonly (string Name, string Value)[] s_settings =
        [("BROKER_NATIVE_STREAMS_PROCESS_BYTES_MAX", $"{BudgetMiB}MiB"), ("BROKER_MEMORY_TRIM_AFTER", "1s"),
            ("BROKER_STORE_ANONYMOUS", "write")];

    private static readonly long s_bytes =
        (long)((AttackedHost.LongRunGiB > 0 ? AttackedHost.LongRunGiB : 0.13) * 1024 * MiB);

    [Fact]
    public async Task Uploads_without_subscribers_leave_nothing_resident()
    {
        await using AttackedHost attacked = await BeginAsync();
        byte[] message = HostileNativeClient.Publish(7, "nobody", new byte[63 * MiB]);
        using TransferClient client = await TransferClient.EnterAsync(attacked);
        for (long sent = 0; sent < s_bytes; sent += message.Length)
        {
            await client.UploadAsync(message);
            Assert.Equal("published 7", await client.NextAsync());
        }

        await EndAsync(attacked, client, "publications of 63 MiB to nobody");
    }

    [Fact]
    public async Task Publications_without_subscribers_leave_nothing_resident()
    {
        await using AttackedHost attacked = await BeginAsync();
        byte[] message = HostileNativeClient.Publish(7, "nobody", new byte[500_000]);
        using TransferClient client = await TransferClient.EnterAsync(attacked);
        for (long sent = 0; sent < s_bytes; sent += message.Length)
        {
            await client.SendAsync(message);
            Assert.Equal("published 7", await client.NextAsync());
        }

        await EndAsync(attacked, client, "publications of 500 KB to nobody");
    }

    [Fact]
    public async Task Long_arguments_of_refused_calls_leave_nothing_resident()
    {
        await using AttackedHost attacked = await BeginAsync();
        byte[] message = HostileNativeClient.Call(7, method: 1, new byte[63 * MiB]);
        using TransferClient client = await TransferClient.EnterAsync(attacked);
        for (long sent = 0; sent < s_bytes; sent += message.Length)
        {
            await client.UploadAsync(message);
            Assert.StartsWith("fault ", await client.NextAsync(), StringComparison.Ordinal);
        }

        await EndAsync(attacked, client, "calls of no method with 63 MiB");
    }

    [Fact]
    public async Task Streams_that_are_dropped_leave_nothing_resident()
    {
        await using AttackedHost attacked = await BeginAsync();
        byte[] message = HostileNativeClient.Publish(7, "nobody", new byte[8 * MiB]);
        using TransferClient client = await TransferClient.EnterAsync(attacked);
        for (long sent = 0; sent < s_bytes; sent += message.Length)
        {
            uint stream = await client.UploadAsync(message, chunksMax: 31);
            await client.SendChunkAsync(stream, 0, 1, new byte[1]);
            await client.SendChunkAsync(stream, 31, 32, new byte[1]);

            // The stream has 33 chunks: this one is its next, and is refused with credit and without.
            await client.SendChunkAsync(stream, 31, 33, new byte[TransferClient.ChunkBytes + 1]);
            await client.SendChunkAsync(stream, 32, 33, new byte[1]);
            for (int i = 0; i < 4; i++) Assert.StartsWith("error 1 2", await client.NextAsync(), StringComparison.Ordinal);
        }

        await EndAsync(attacked, client, "streams that are dropped before their last chunk");
    }

    [Fact]
    public async Task Long_reads_leave_nothing_resident()
    {
        string folder = Directory.CreateTempSubdirectory("broker-memory-").FullName;
        try
        {
            await using AttackedHost attacked = await BeginAsync(("BROKER_STORE_PATH", folder));
            using TransferClient client = await TransferClient.EnterAsync(attacked);
            byte[] value = StoreCodec.Encode(new WriteArguments { Key = "k"u8, Value = new byte[60 * MiB] });
            byte[] key = StoreCodec.Encode(new KeyArguments { Key = "k"u8 });
            await client.UploadAsync(HostileNativeClient.Call(7, MethodId.Of(StoreMethods.Write).Value, value));
            Assert.Equal("result 7", await client.NextAsync());
            for (long taken = 0; taken < s_bytes; taken += 60 * MiB)
            {
                await client.SendAsync(HostileNativeClient.Call(8, MethodId.Of(StoreMethods.Read).Value, key));
                Assert.StartsWith("stream ", await client.NextAsync(), StringComparison.Ordinal);
            }

            // The database keeps up to two buffers of what was written, and its cache.
            await EndAsync(attacked, client, "reads of 60 MiB", moreMiB: 192);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Streams_that_stand_still_make_room_for_those_that_move()
    {
        const int holders = 9;
        await using AttackedHost attacked = await BeginAsync();
        byte[] message = HostileNativeClient.Publish(7, "nobody", new byte[63 * MiB]);
        var hostile = new List<TransferClient>();
        for (int i = 0; i < holders; i++)
        {
            hostile.Add(await TransferClient.EnterAsync(attacked));
            await hostile[i].UploadAsync(message, chunksMax: 4);
        }

        // All that can be reserved is; the honest one waits for its credit, until the others are told why they end.
        using TransferClient honest = await TransferClient.EnterAsync(attacked);
        await honest.UploadAsync(message);
        Assert.Equal("published 7", await honest.NextAsync());
        Assert.Equal("error 1 214", await await Task.WhenAny(hostile.Select(each => each.NextAsync())));

        foreach (TransferClient each in hostile) each.Dispose();
        await EndAsync(attacked, honest, "nine streams that stand still", others: holders);
    }

    [Fact]
    public async Task Eight_long_transfers_at_once_keep_their_credit_and_arrive()
    {
        await using AttackedHost attacked = await BeginAsync();
        byte[] message = HostileNativeClient.Publish(7, "nobody", new byte[24 * MiB]);
        using TransferClient client = await TransferClient.EnterAsync(attacked);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => client.UploadAsync(message))));

        for (int i = 0; i < 8; i++) Assert.Equal("published 7", await client.NextAsync());
        await EndAsync(attacked, client, "eight streams of 24 MiB at once");
    }

    private Task<AttackedHost> BeginAsync(params IReadOnlyList<(string Name, string Value)> settings) =>
        AttackedHost.BeginAsync(output, [.. s_settings, .. settings]);

    // Quiet is when the witness and the client are gone.
    private static async Task EndAsync(AttackedHost attacked, TransferClient client, string attack, int moreMiB = 0, int others = 0)
    {
        client.Dispose();
        await attacked.EndAsync(attack, BudgetMiB + PeakSlackMiB + moreMiB, others: others + 1, quietCeilingMiB: QuietSlackMiB + moreMiB);
    }
}
