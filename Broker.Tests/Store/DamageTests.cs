using System.Globalization;
using Broker.Core.Protocol.Store;
using Broker.Store;
using static Broker.Tests.Store.StoreFolder;

namespace Broker.Tests.Store;

/// <summary>Files of a store that something else has changed.</summary>
public sealed class DamageTests : IDisposable
{
    private const int Writes = 400;

    private readonly StoreFolder _folder = new();
    private readonly List<StoreNotice> _notices = [];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_flipped_byte_with_good_records_behind_stops_the_start()
    {
        string log = await WriteAndCrashAsync();
        long at = new FileInfo(log).Length / 10;
        Flip(log, at);

        StoreException refused = Assert.Throws<StoreException>(() => Open());

        Assert.Contains($"{log} has a bad record at offset ", refused.Message, StringComparison.Ordinal);
        long offset = long.Parse(refused.Message.Split("at offset ")[1].Split(',')[0], CultureInfo.InvariantCulture);
        Assert.InRange(offset, at - 200, at);
        Assert.Contains($"broker store repair {_folder.Path}", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repair_keeps_all_but_the_bad_record()
    {
        string log = await WriteAndCrashAsync();
        Flip(log, new FileInfo(log).Length / 10);

        StoreReport check = StoreMaintenance.Check(_folder.Path), repair = StoreMaintenance.Repair(_folder.Path);

        Assert.Contains("would be lost", Assert.Single(check.Damages), StringComparison.Ordinal);
        Assert.Contains("are lost", Assert.Single(repair.Damages), StringComparison.Ordinal);
        Assert.Empty(StoreMaintenance.Check(_folder.Path).Damages);
        Assert.Single(Directory.GetDirectories(_folder.Path, "damaged-*"));
        using KeyedStore store = Open();
        int[] missing = [.. Enumerable.Range(0, Writes).Where(i => !store.Exists(Bytes($"k{i}")))];
        Assert.Single(missing);
        Assert.Equal(Writes - 1, store.Count);
        await store.WriteAsync(Bytes("more"), Bytes("1"), Durability.Disk);
        Assert.Equal(Writes, store.Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(20)]
    [InlineData(30)]
    public async Task A_torn_end_is_skipped_and_reported(int bytes)
    {
        string log = await WriteAndCrashAsync();
        using (FileStream file = File.OpenWrite(log)) file.SetLength(file.Length - bytes);

        using KeyedStore store = Open();

        Assert.Equal(Writes - 1, store.Count);
        Assert.Contains($"{log} ends in an unfinished record", Assert.Single(_notices).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_torn_end_does_not_stop_the_start_after_the_next_crash()
    {
        string log = await WriteAndCrashAsync();
        using (FileStream file = File.OpenWrite(log)) file.SetLength(file.Length - 5);
        for (int i = 0; i < 3; i++)
        {
            string before = NewestLog();
            using (KeyedStore store = Open()) await store.WriteAsync(Bytes($"again{i}"), Bytes("1"), Durability.Disk);
            if (File.Exists(before)) continue;
        }

        using KeyedStore opened = Open();
        Assert.Equal(Writes + 2, opened.Count);
    }

    [Fact]
    public async Task A_damaged_manifest_stops_the_start_and_a_repair_goes_on()
    {
        await WriteAndCrashAsync();
        using (Open())
        {
        }

        string manifest = Directory.GetFiles(_folder.Path, "MANIFEST-*").Single();
        Flip(manifest, 20);

        StoreException refused = Assert.Throws<StoreException>(() => Open());
        StoreReport repair = StoreMaintenance.Repair(_folder.Path);

        Assert.Contains($"{manifest} has a bad record at offset 0", refused.Message, StringComparison.Ordinal);
        Assert.NotEmpty(repair.Damages);
        using KeyedStore store = Open();
        Assert.Equal(Writes, store.Count);
    }

    [Fact]
    public async Task A_damaged_table_stops_the_start_with_its_name()
    {
        await WriteAndCrashAsync();
        using (Open())
        {
        }

        string table = Directory.GetFiles(_folder.Path, "*.sst").Single();
        Flip(table, new FileInfo(table).Length / 10);

        StoreException refused = Assert.Throws<StoreException>(() => Open());
        StoreReport check = StoreMaintenance.Check(_folder.Path);
        StoreMaintenance.Repair(_folder.Path);

        Assert.Contains(Path.GetFileName(table), refused.Message, StringComparison.Ordinal);
        Assert.Contains("offset", refused.Message, StringComparison.Ordinal);
        Assert.Contains(Path.GetFileName(table), Assert.Single(check.Damages), StringComparison.Ordinal);
        using KeyedStore store = Open();
        Assert.Equal(0, store.Count);
        await store.WriteAsync(Bytes("new"), Bytes("1"), Durability.Disk);
    }

    [Fact]
    public void A_folder_with_other_files_is_no_store()
    {
        File.WriteAllText(Path.Combine(_folder.Path, "notes.txt"), "mine");

        StoreException refused = Assert.Throws<StoreException>(() => Open());

        Assert.Contains("it holds notes.txt", refused.Message, StringComparison.Ordinal);
        Assert.Equal("notes.txt", Path.GetFileName(Assert.Single(Directory.GetFileSystemEntries(_folder.Path))));
    }

    [Fact]
    public async Task A_store_without_its_current_file_is_damaged_and_not_new()
    {
        await WriteAndCrashAsync();
        File.Delete(Path.Combine(_folder.Path, "CURRENT"));

        Assert.Contains("CURRENT is missing", Assert.Throws<StoreException>(() => Open()).Message, StringComparison.Ordinal);
        StoreMaintenance.Repair(_folder.Path);
        using KeyedStore store = Open();
        Assert.Equal(Writes, store.Count);
    }

    private KeyedStore Open() => _folder.Open(new StoreSettings { Notify = _notices.Add });

    // The files as a kill leaves them: copied while the store is open.
    private async Task<string> WriteAndCrashAsync()
    {
        using var live = new StoreFolder();
        using KeyedStore store = live.Open();
        for (int i = 0; i < Writes; i++) await store.WriteAsync(Bytes($"k{i}"), Bytes($"value {i}"), Durability.Disk);
        foreach (string file in Directory.EnumerateFiles(live.Path)) File.Copy(file, Path.Combine(_folder.Path, Path.GetFileName(file)));
        return NewestLog();
    }

    private string NewestLog() => Directory.GetFiles(_folder.Path, "*.log").Order(StringComparer.Ordinal).Last();

    private static void Flip(string path, long at)
    {
        using FileStream file = File.Open(path, FileMode.Open);
        file.Position = at;
        int was = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(was ^ 0x40));
    }
}
