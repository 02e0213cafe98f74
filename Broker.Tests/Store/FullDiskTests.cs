using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Broker.Core.Protocol.Store;
using Broker.Store;
using static Broker.Tests.Store.StoreFolder;

namespace Broker.Tests.Store;

/// <summary>
/// A disk that fills up. A real small disk needs the right to mount; one test limits the size of files in a process of its own, and needs
/// none.
/// </summary>
public sealed class FullDiskTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_refused_write_changes_nothing_and_writes_go_on_with_room()
    {
        using Tmpfs? disk = Tmpfs.TryMount(48);
        if (disk is null) return;
        string folder = Path.Combine(disk.Path, "store");
        using var notices = new BlockingCollection<StoreNotice>();
        var settings = new StoreSettings { Notify = notices.Add, WriteBufferBytes = 1024 * 1024 };
        using (KeyedStore store = KeyedStore.Open(folder, settings))
        {
            await store.WriteAsync(Bytes("k"), Bytes("old"), Durability.Disk);
            disk.Fill();

            StoreException refused = await Assert.ThrowsAsync<StoreException>(async () =>
            {
                // What was kept for the log in advance is used up first.
                for (int i = 0; ; i++) await store.WriteAsync(Bytes($"k"), FilledWith(i), Durability.Disk);
            });
            byte[] last = ValueOf(store);
            await Assert.ThrowsAsync<StoreException>(() => store.WriteAsync(Bytes("k"), Bytes("refused"), Durability.Disk));
            await Assert.ThrowsAsync<StoreException>(() => store.WriteAsync(Bytes("new"), Bytes("refused"), Durability.Memory));

            Assert.Equal(
                (StoreFault.Failed, "The store cannot write: its disk is full. Nothing was changed."), (refused.Fault, refused.Message));
            Assert.Equal(last, ValueOf(store));
            Assert.Null(store.Read("new"u8));
            Assert.True(store.Health.IsFailing);
            Assert.True(notices.Take().IsError);

            disk.Free();
            Assert.True(notices.TryTake(out StoreNotice again, s_patience));
            Assert.Equal((false, "The store can write again."), (again.IsError, again.Text));
            Assert.False(store.Health.IsFailing);
            Assert.Equal(last, ValueOf(store));
            await store.WriteAsync(Bytes("after"), Bytes("1"), Durability.Disk);
            Assert.Equal(2, store.Count);
        }

        using KeyedStore opened = KeyedStore.Open(folder, settings);
        Assert.Equal("1", Text(opened.Read("after"u8)));
        Assert.Null(opened.Read("new"u8));
        Assert.Equal(2, opened.Count);
    }

    /// <summary>The refused write is not there after a crash either.</summary>
    [Fact]
    public async Task A_refused_write_is_not_in_the_files()
    {
        using Tmpfs? disk = Tmpfs.TryMount(48);
        if (disk is null) return;
        string folder = Path.Combine(disk.Path, "store"), copy = Path.Combine(Path.GetTempPath(), $"broker-copy-{Guid.NewGuid():n}");
        byte[] last;
        using (KeyedStore store = KeyedStore.Open(folder, new StoreSettings { WriteBufferBytes = 1024 * 1024 }))
        {
            await store.WriteAsync(Bytes("k"), Bytes("old"), Durability.Disk);
            disk.Fill();
            await Assert.ThrowsAsync<StoreException>(async () =>
            {
                for (int i = 0; ; i++) await store.WriteAsync(Bytes($"k"), FilledWith(i), Durability.Disk);
            });
            last = ValueOf(store);
            Directory.CreateDirectory(copy);
            foreach (string file in Directory.EnumerateFiles(folder)) File.Copy(file, Path.Combine(copy, Path.GetFileName(file)));
        }

        using (KeyedStore opened = KeyedStore.Open(copy, new StoreSettings { WriteBufferBytes = 1024 * 1024 }))
            Assert.Equal(last, ValueOf(opened));
        Directory.Delete(copy, recursive: true);
    }

    /// <summary>Needs no mount: a process whose files may not grow beyond a size is refused as on a full disk.</summary>
    [Fact]
    public async Task A_file_that_may_not_grow_refuses_writes_and_keeps_the_last_one()
    {
        if (!OperatingSystem.IsLinux()) return;
        using var folder = new StoreFolder();

        // The runtime maps its code through a file larger than the limit, unless it is told not to.
        var start = new ProcessStartInfo("/bin/sh")
            { RedirectStandardOutput = true, Environment = { ["DOTNET_EnableWriteXorExecute"] = "0" } };
        string[] command =
            ["-c", "trap '' XFSZ && ulimit -f 3000 && exec \"$@\"", "sh", Environment.GetEnvironmentVariable("DOTNET_HOST_PATH")
                ?? "dotnet", typeof(FullDiskTests).Assembly.Location, "limited-writer", folder.Path];
        foreach (string word in command) start.ArgumentList.Add(word);
        using Process process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(s_patience);
        string[] reported = (await process.StandardOutput.ReadToEndAsync(limit.Token)).Split(' ', StringSplitOptions.TrimEntries);
        await process.WaitForExitAsync(limit.Token);

        Assert.Equal(4, reported.Length);
        Assert.Equal((reported[0], "Failed", "True"), (reported[1], reported[2], reported[3]));
        Assert.NotEqual("0", reported[0]);
        using KeyedStore opened = folder.Open();
        Assert.Equal(byte.Parse(reported[0], CultureInfo.InvariantCulture), ValueOf(opened)[0]);
        Assert.Equal(1, opened.Count);
        await opened.WriteAsync(Bytes("after"), Bytes("1"), Durability.Disk);
    }

    private static byte[] ValueOf(KeyedStore store)
    {
        using PinnedValue value = store.Read("k"u8)!;
        return value.ToArray();
    }

    private static byte[] FilledWith(int number)
    {
        byte[] value = new byte[40_000];
        value.AsSpan().Fill((byte)number);
        return value;
    }
}
