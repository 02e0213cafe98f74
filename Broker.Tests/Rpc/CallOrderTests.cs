using Broker.Actors.Calls.Methods;
using MethodId = Broker.Core.Protocol.Messages.MethodId;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Store;
using Broker.Host.Settings;
using Broker.Host.Store;
using Broker.Tests.Support;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Rpc;

/// <summary>Ordered calls of one connection, through a whole hub whose turns the test takes.</summary>
public sealed class CallOrderTests
{
    [Fact]
    public void Calls_that_run_to_their_end_in_order_wait_for_each_other()
    {
        using var hub = new HubHarness();
        var first = new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously);
        int begun = 0;
        hub.Methods.Add("done", (call, _) => Interlocked.Increment(ref begun) == 1 ? new(first.Task) : new(call.Arguments), CallOrder.Done);
        hub.Methods.Add("free", static (call, _) => new(call.Arguments));
        NativeClient client = hub.ConnectNative(), other = hub.ConnectNative();

        client.Send(Call(1, "done", "a"), Call(2, "done", "b"), Call(3, "free", "c"));
        Assert.Equal("result 3 c", client.Next());
        other.Send(Call(1, "done", "d"));
        Assert.Equal("result 1 d", other.Next());
        Assert.Equal(2, begun);
        first.SetResult("A"u8.ToArray());

        Assert.Equal(["result 1 A", "result 2 b"], client.Next(2));
    }

    [Fact]
    public void Calls_that_begin_in_order_do_not_wait_for_each_other()
    {
        using var hub = new HubHarness();
        var order = new List<string>();
        var first = new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously);
        hub.Methods.Add(
            "begun",
            (call, _) =>
            {
                lock (order) order.Add(call.Arguments.Span.ToText());
                return order.Count == 1 ? new(first.Task) : new(call.Arguments);
            },
            CallOrder.Begun);
        NativeClient client = hub.ConnectNative();

        client.Send([.. Enumerable.Range(0, 200).Select(i => Call((uint)i, "begun", $"{i}"))]);
        Assert.Equal(Enumerable.Range(1, 199).Select(i => $"result {i} {i}"), client.Next(199));
        first.SetResult("late"u8.ToArray());

        Assert.Equal("result 0 late", client.Next());
        Assert.Equal(Enumerable.Range(0, 200).Select(i => $"{i}"), order);
    }

    [Fact]
    public void A_call_that_is_cancelled_before_its_turn_never_begins()
    {
        using var hub = new HubHarness();
        var first = new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var begun = new List<string>();
        hub.Methods.Add(
            "done",
            (call, _) =>
            {
                lock (begun) begun.Add(call.Arguments.Span.ToText());
                return begun.Count == 1 ? new(first.Task) : new(call.Arguments);
            },
            CallOrder.Done);
        NativeClient client = hub.ConnectNative();

        client.Send(Call(1, "done", "a"), Call(2, "done", "b"), Call(3, "done", "c"), Cancel(2));
        Assert.Equal("fault 2 Cancelled: cancelled", client.Next());
        first.SetResult("A"u8.ToArray());

        Assert.Equal(["result 1 A", "result 3 c"], client.Next(2));
        Assert.Equal(["a", "c"], begun);
    }

    [Fact]
    public void What_is_asked_before_bye_is_answered()
    {
        using var hub = new HubHarness();
        var held = new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously);
        hub.Methods.Add("slow", (_, _) => new(held.Task));
        NativeClient client = hub.ConnectNative();

        client.Send(Call(1, "slow"), Publish(2, "news", "x"), Bye());
        Assert.Equal("published 2 to 0 at 0", client.Next());
        held.SetResult("done"u8.ToArray());

        Assert.Equal("result 1 done", client.Next());
        Assert.Equal((1000, "bye"), client.Frames.NextClose());
    }

    [Fact]
    public void A_bye_waits_for_answers_no_longer_than_its_limit()
    {
        using var hub = new HubHarness();
        var held = new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously);
        hub.Methods.Add("slow", (_, _) => new(held.Task));
        NativeClient client = hub.ConnectNative();

        client.Send(Call(1, "slow"), Bye());
        Assert.Empty(client.Within(4));
        hub.Advance(TimeSpan.FromSeconds(6));

        Assert.Equal((1000, "bye"), client.Frames.NextClose());
        held.SetResult(default);
    }

    [Fact]
    public void A_hub_that_stops_answers_what_is_pending_first()
    {
        using var hub = new HubHarness();
        var held = new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously);
        hub.Methods.Add("slow", (_, _) => new(held.Task));
        NativeClient client = hub.ConnectNative();
        client.Send(Call(1, "slow"));
        Assert.Empty(client.Within(4));

        _ = hub.Drain();
        Assert.Empty(client.Within(4));
        client.Send(Call(2, "slow"));
        Assert.Equal("fault 2 Cancelled: the connection ends", client.Next());
        held.SetResult("done"u8.ToArray());

        Assert.Equal("result 1 done", client.Next());
        Assert.StartsWith("bye 3001", client.Next(), StringComparison.Ordinal);
    }

    [Fact]
    public void Writes_of_one_key_in_one_frame_leave_the_last_and_a_read_sees_it()
    {
        string folder = Directory.CreateTempSubdirectory("broker-store-").FullName;
        try
        {
            using StoreService store = StoreService.Open(new HostStoreSettings { Path = folder })!;
            using var hub = new HubHarness();
            store.AddTo(hub.Methods);
            NativeClient client = hub.ConnectNative();
            for (int run = 0; run < 100; run++)
            {
                byte[][] writes = [.. Enumerable.Range(0, 64).Select(i => Write((uint)i, $"{run}/{i}"))];
                client.Send([.. writes, Call(64, StoreMethods.Read, "k"), Write(65, "behind"), Call(66, StoreMethods.Read, "k")]);
                string[] answers = client.Next(67);

                Assert.Contains($"result 64 \u0001{run}/63", answers);
                Assert.Contains("result 66 \u0001behind", answers);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        static byte[] Write(uint id, string value) =>
            Broker.Core.Protocol.Messages.NativeWriter.Message(new Broker.Core.Protocol.Messages.Call
        {
            Id = id,
            Method = MethodId.Of(StoreMethods.Write),
            Arguments = StoreCodec.Encode(new WriteArguments { Key = "k"u8, Value = StoreBytes(value) }),
        });

        static byte[] StoreBytes(string text) => System.Text.Encoding.UTF8.GetBytes(text);
    }

    private static byte[] Bye() => Broker.Core.Protocol.Messages.NativeWriter.Message(default(Broker.Core.Protocol.Messages.Bye));
}
