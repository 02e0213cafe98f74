using System.Collections.Concurrent;
using Broker.Core.Protocol.Store;
using Broker.Store;
using static Broker.Tests.Store.StoreFolder;

namespace Broker.Tests.Store;

/// <summary>A device that takes writes and fails at the sync, and works again later.</summary>
public sealed class FailingDeviceTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_device_that_errs_is_reported_and_nothing_acknowledged_is_lost()
    {
        using FailingDevice? device = FailingDevice.TryMount();
        if (device is null) return;
        string folder = Path.Combine(device.Path, "store");
        using var notices = new BlockingCollection<StoreNotice>();
        var settings = new StoreSettings { Notify = notices.Add, WriteBufferBytes = 1024 * 1024 };
        int acknowledged = 0;
        using (KeyedStore store = KeyedStore.Open(folder, settings))
        {
            await store.WriteAsync(Bytes("k0"), Value(0), Durability.Disk);
            device.Break();

            StoreException refused = await Assert.ThrowsAsync<StoreException>(async () =>
            {
                for (int i = 1; i < 10_000; i++)
                {
                    await store.WriteAsync(Bytes($"k{i}"), Value(i), Durability.Disk);
                    acknowledged = i;
                }
            });
            Assert.Equal(StoreFault.Failed, refused.Fault);
            Assert.DoesNotContain(folder, refused.Message, StringComparison.Ordinal);
            Assert.True(store.Health.IsFailing);
            StoreNotice reported = notices.Take();
            Assert.True(reported.IsError);
            Assert.StartsWith("The store cannot write", reported.Text, StringComparison.Ordinal);
            Assert.Null(store.Read(Bytes($"k{acknowledged + 1}")));

            device.Mend();
            Assert.True(notices.TryTake(out StoreNotice again, s_patience), "The store did not recover.");
            Assert.False(again.IsError);
            await store.WriteAsync(Bytes("after"), Value(7), Durability.Disk);
        }

        using KeyedStore opened = KeyedStore.Open(folder, settings);
        for (int i = 0; i <= acknowledged; i++) Assert.Equal(Value(i), Read(opened, $"k{i}"));
        Assert.Equal(Value(7), Read(opened, "after"));
        Assert.Equal(acknowledged + 2, opened.Count);
    }

    private static byte[] Read(KeyedStore store, string key)
    {
        using PinnedValue value = store.Read(Bytes(key))!;
        return value.ToArray();
    }

    private static byte[] Value(int number)
    {
        byte[] value = new byte[40_000];
        value.AsSpan().Fill((byte)number);
        return value;
    }
}
