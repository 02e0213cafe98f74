using System.Globalization;
using Broker.Core.Protocol.Store;
using Broker.Store;
using static Broker.Tests.Store.StoreFolder;

namespace Broker.Tests.Store;

/// <summary>The test assembly as a program: writes to a store, says what was acknowledged, and waits to be killed.</summary>
/// <remarks>
/// Each of the writers sets, in one batch with fsync, the keys of its next round and its own count of rounds; then it says
/// so. One more writes numbers of the weakest level, for the log to hold, and one a value in parts, again and again. The
/// program ends with its standard input.
/// </remarks>
internal static class CrashingWriter
{
    public const int Writers = 4, KeysPerBatch = 5, LongBytes = 300_000;

    public const string LongKey = "long";

    /// <summary>The command that opens a store, and prints the native libraries that are loaded then and the working directory.</summary>
    public const string ShowLibraries = "show-libraries";

    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is [ShowLibraries, string opened]) return ShowLibrariesOf(opened);
        if (arguments is ["limited-writer", string limited]) return await WriteUntilRefusedAsync(limited);
        if (arguments is ["crashing-history", string histories])
        {
            await History.CrashingHistory.RunAsync(histories);
            return 0;
        }

        if (arguments is not ["crashing-writer", string folder]) return 2;
        KeyedStore store = KeyedStore.Open(folder);
        var output = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true });
        for (int i = 0; i < Writers; i++) _ = WriteRoundsAsync(store, i, output);
        _ = WriteNumbersAsync(store);
        _ = WriteLongAsync(store);
        await Console.In.ReadToEndAsync();
        return 0;
    }

    // Overwrites one key until the disk refuses, says what a reader sees then, and is killed without closing anything.
    private static async Task<int> WriteUntilRefusedAsync(string folder)
    {
        KeyedStore store = KeyedStore.Open(folder, new StoreSettings { WriteBufferBytes = 16 * 1024 * 1024 });
        byte acknowledged = 0;
        for (byte round = 1; round < byte.MaxValue; round++)
        {
            byte[] value = new byte[40_000];
            value.AsSpan().Fill(round);
            try
            {
                await store.WriteAsync(Bytes("k"), value, Durability.Disk);
                acknowledged = round;
            }
            catch (StoreException refused)
            {
                using PinnedValue read = store.Read("k"u8)!;
                Console.Out.WriteLine($"{acknowledged} {read.GetSpan()[0]} {refused.Fault} {store.Health.IsFailing}");
                Console.Out.Flush();
                System.Diagnostics.Process.GetCurrentProcess().Kill();
            }
        }

        return 3;
    }

    private static int ShowLibrariesOf(string folder)
    {
        using KeyedStore store = KeyedStore.Open(folder);
        foreach (string line in File.ReadLines("/proc/self/maps").Where(static line => line.Contains(".so", StringComparison.Ordinal)))
            Console.WriteLine(line);
        Console.Write($"directory {Environment.CurrentDirectory}\n");
        return 0;
    }

    public static int ReadNumber(KeyedStore store, string key) =>
        int.Parse(Text(store.Read(Bytes(key))) ?? "-1", CultureInfo.InvariantCulture);

    private static async Task WriteRoundsAsync(KeyedStore store, int writer, TextWriter output)
    {
        for (int round = ReadNumber(store, $"w{writer}/last") + 1; ; round++)
        {
            var changes = new List<StoreChange> { StoreChange.Put(Bytes($"w{writer}/last"), Bytes($"{round}")) };
            for (int i = 0; i < KeysPerBatch; i++) changes.Add(StoreChange.Put(Bytes($"w{writer}/{round}/{i}"), new byte[100 * i]));
            await store.WriteAsync(changes, Durability.Disk);
            await output.WriteLineAsync($"{writer} {round}");
        }
    }

    // All bytes of one value are the same, and those of the next are others.
    private static async Task WriteLongAsync(KeyedStore store)
    {
        for (byte round = 0; ; round++)
        {
            await using ValueWriter writer = store.OpenWrite(Bytes(LongKey));
            byte[] piece = new byte[30_000];
            piece.AsSpan().Fill(round);
            while (writer.Length < LongBytes) await writer.WriteAsync(piece);
            await writer.PublishAsync(Durability.System);
        }
    }

    private static async Task WriteNumbersAsync(KeyedStore store)
    {
        int number = 0;
        while (store.Exists(Bytes($"m/{number}"))) number++;
        for (; ; number++) await store.WriteAsync(Bytes($"m/{number}"), Bytes("x"), Durability.Memory);
    }
}
