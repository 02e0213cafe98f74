using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using Broker.Dialects.Native;
using Broker.Dialects;
using System.Text;
using System.Threading.Channels;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Rpc;

/// <summary>Further arguments and several results of a call, through a whole hub whose turns the test takes.</summary>
public sealed class CallItemsTests
{
    [Theory, InlineData(true), InlineData(false)]
    public void A_handler_reads_items_and_sends_results_before_the_last(bool batched)
    {
        using var hub = new HubHarness();
        hub.Methods.Add("echo", async (call, _) =>
        {
            int count = 0;
            await foreach (ReadOnlyMemory<byte> item in call.Items)
            {
                await call.SendAsync(Bytes($"{Text(call.Arguments)}{Text(item)}"));
                count++;
            }

            return Bytes($"{count} in all");
        });
        NativeClient client = hub.ConnectNative(batched, hello: Hello(items: 8));

        client.Send(Call(1, "echo", "+", options: CallOptions.MoreArguments), Item(1, "a"), Item(1, "b"), ItemsEnd(1));

        Assert.Equal(["item 1 +a", "item 1 +b", "result 1 2 in all"], client.Next(3));
    }

    [Fact]
    public void A_call_without_further_arguments_has_none_and_items_of_no_call_are_ignored()
    {
        using var hub = new HubHarness();
        hub.Methods.Add("count", async (call, cancellationToken) => Bytes($"{await call.Items.CountAsync(cancellationToken)}"));
        NativeClient client = hub.ConnectNative(hello: Hello(items: 8));

        client.Send(Item(9, "nobody's"), ItemsEnd(9), ItemCredit(9, 1), Call(1, "count"));

        Assert.Equal("result 1 0", client.Next());
    }

    [Fact]
    public void A_handler_with_many_results_waits_for_credit_and_delays_no_other()
    {
        using var hub = new HubHarness();
        int sent = 0;
        hub.Methods.AddStream("many", (_, _) => Numbers(20, () => sent++));
        hub.Methods.Add("fast", static (call, _) => new(call.Arguments));
        NativeClient client = hub.ConnectNative(hello: Hello(items: 8));

        client.Send(Call(1, "many"));
        Assert.Equal(Enumerable.Range(0, 8).Select(i => $"item 1 {i}"), client.Next(8));
        client.Send(Call(2, "fast", "x"));
        Assert.Equal("result 2 x", client.Next());
        Assert.Equal(9, Volatile.Read(ref sent));       // The ninth waits to be sent, and the tenth is not made.

        client.Send(ItemCredit(1, 3));
        Assert.Equal(["item 1 8", "item 1 9", "item 1 10"], client.Next(3));
        client.Send(ItemCredit(1, uint.MaxValue));
        Assert.Equal([.. Enumerable.Range(11, 9).Select(i => $"item 1 {i}"), "result 1 "], client.Next(10));
    }

    [Fact]
    public void A_caller_gets_credit_as_its_handler_reads_and_not_before()
    {
        using var hub = new HubHarness();
        var read = Channel.CreateUnbounded<bool>();
        hub.Methods.Add("slow", async (call, cancellationToken) =>
        {
            await foreach (ReadOnlyMemory<byte> _ in call.Items) await read.Reader.ReadAsync(cancellationToken);
            return default;
        });
        NativeClient client = hub.ConnectNative(hello: Hello(items: 8));

        client.Send([Call(1, "slow", options: CallOptions.MoreArguments), .. Enumerable.Range(0, 8).Select(i => Item(1, $"{i}"))]);
        for (int i = 0; i < 3; i++) read.Writer.TryWrite(true);
        Assert.Empty(client.Within(20));
        read.Writer.TryWrite(true);
        Assert.Equal("credit Call 1 4", client.Next());

        for (int i = 0; i < 20; i++) read.Writer.TryWrite(true);
        client.Send([.. Enumerable.Range(0, 4).Select(i => Item(1, $"{i}")), ItemsEnd(1)]);
        Assert.Equal("credit Call 1 4", client.Next());
        string[] rest = client.Next(2);
        Assert.Equal(["credit Call 1 4", "result 1 "], rest);
    }

    [Fact]
    public void As_many_arguments_may_follow_as_is_set_whatever_the_window_of_streams()
    {
        using var hub =
            new HubHarness(
                new StandardSettings { Native = new NativeSettings { ItemsWindow = 2, Streams = new StreamSettings { Window = 1 } } });
        hub.Methods.Add("never", async (_, cancellationToken) =>
        {
            await Cancelled.WhenAsync(cancellationToken);
            return default;
        });
        NativeClient client = hub.ConnectNative(hello: Hello());

        client.Send(Call(1, "never", options: CallOptions.MoreArguments), Item(1, "a"), Item(1, "b"));
        Assert.Empty(client.Within(20));
        client.Send(Item(1, "c"));
        Assert.StartsWith("fault 1 BadArguments", client.Next(), StringComparison.Ordinal);
    }

    [Fact]
    public void An_item_without_credit_ends_the_call_and_no_other()
    {
        using var hub = new HubHarness();
        var over = new TaskCompletionSource();
        hub.Methods.Add("never", async (_, cancellationToken) =>
        {
            cancellationToken.Register(over.SetResult);
            await Cancelled.WhenAsync(cancellationToken);
            return default;
        });
        hub.Methods.Add("fast", static (call, _) => new(call.Arguments));
        NativeClient client = hub.ConnectNative(hello: Hello(items: 8));

        client.Send([
            Call(1, "never", options: CallOptions.MoreArguments), .. Enumerable.Range(0, 9).Select(i => Item(1, $"{i}")),
                Call(2, "fast", "x")]);

        Assert.Equal(["fault 1 BadArguments: an item without credit, or behind the last one", "result 2 x"], client.Next(2));
        hub.RunUntil(() => over.Task.IsCompleted, "the handler is told");
    }

    [Fact]
    public void Items_count_against_the_bytes_that_a_clients_calls_may_hold_until_they_are_read()
    {
        using var hub = new HubHarness(new StandardSettings { Calls = new CallSettings { BytesMax = 1000 } });
        var read = new TaskCompletionSource();
        hub.Methods.Add("sum", async (call, cancellationToken) =>
        {
            await read.Task;
            return Bytes($"{await call.Items.Select(item => item.Length).SumAsync(cancellationToken)}");
        });
        NativeClient client = hub.ConnectNative(hello: Hello(items: 8));

        client.Send(Call(1, "sum", options: CallOptions.MoreArguments), Item(1, new string('x', 900)), ItemsEnd(1));
        client.Send(Call(2, "sum", options: CallOptions.MoreArguments), Item(2, new string('x', 200)));
        Assert.Equal("fault 2 Overloaded: arguments of too many bytes are pending", client.Next());
        read.SetResult();
        Assert.Equal("result 1 900", client.Next());
        client.Send(Call(3, "sum", options: CallOptions.MoreArguments), Item(3, new string('x', 900)), ItemsEnd(3));
        Assert.Equal("result 3 900", client.Next());
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_cancelled_call_ends_its_handler_wherever_it_waits(bool sends)
    {
        using var hub = new HubHarness();
        Exception? ended = null;
        hub.Methods.Add("waits", async (call, cancellationToken) =>
        {
            try
            {
                if (sends) while (true) await call.SendAsync(Bytes("x"));
                await foreach (ReadOnlyMemory<byte> _ in call.Items)
                {
                }

                return default;
            }
            catch (Exception failure)
            {
                Volatile.Write(ref ended, failure);
                throw;
            }
        });
        NativeClient client = hub.ConnectNative(hello: Hello(items: 8));
        client.Send(Call(1, "waits", options: CallOptions.MoreArguments));
        if (sends) client.Next(8);

        client.Send(Cancel(1), Item(1, "late"), ItemsEnd(1));

        Assert.Equal("fault 1 Cancelled: cancelled", client.Next());
        hub.RunUntil(() => Volatile.Read(ref ended) is not null, "the handler has ended");
        Assert.IsAssignableFrom<OperationCanceledException>(ended);
        Assert.Empty(client.Within(20));
    }

    [Fact]
    public void An_item_over_the_client_limit_is_a_fault()
    {
        using var hub = new HubHarness();
        hub.Methods.AddStream("long", (_, _) => new[] { (ReadOnlyMemory<byte>)new byte[2 << 20] }.ToAsyncEnumerable());
        NativeClient client = hub.ConnectNative(hello: Hello(items: 8));

        client.Send(Call(1, "long"));

        Assert.Equal("fault 1 ResultTooBig: an item of 2097152 bytes passes the 524279 that the client takes", client.Next());
    }

    [Fact]
    public void Several_results_fail_a_call_of_a_dialect_with_one_result()
    {
        using var hub = new HubHarness();
        hub.Methods.AddStream("many", (_, _) => Numbers(3));
        HubClient client = hub.Connect();

        client.Send("""{"id":2,"rpc":{"method":"many"}}""");

        Assert.Equal(
            """{"id":2,"error":{"code":400,"message":"the method has several results, and this client takes one"}}""", client.NextLine());
    }

    [Fact]
    public void Long_arguments_results_before_the_last_and_a_long_last_one_go_together()
    {
        using var hub = new HubHarness();
        hub.Methods.Add("both", async (call, _) =>
        {
            await call.SendAsync(Bytes($"{call.Arguments.Length}"));
            return call.Arguments;
        });
        NativeClient client = hub.ConnectNative(hello: Hello(window: 8, items: 8));
        byte[] call = Call(1, "both", new string('x', 600_000));

        client.SendFrames([Header(0, call.Length), .. Cut(0, call, 262_144)]);

        Assert.Equal(
            ["item 1 600000", "stream 0 Result 1 of 600000", "chunk 0 0/3 of 262144", "chunk 0 1/3 of 262144", "chunk 0 2/3 of 75712"],
            client.Next(5));
    }

    [Theory, InlineData(5_000, 4_096), InlineData(200_000, 100_000)]
    public void A_call_whose_items_could_overtake_it_is_refused_and_the_connection_lives(int bytes, int chunkBytes)
    {
        using var hub = new HubHarness();
        hub.Methods.Add("count", async (call, cancellationToken) => Bytes($"{await call.Items.CountAsync(cancellationToken)}"));
        NativeClient client = hub.ConnectNative(hello: Hello(items: 8));
        byte[] call = Call(1, "count", new string('x', bytes), options: CallOptions.MoreArguments);

        client.SendFrames([Header(0, call.Length), .. Cut(0, call, chunkBytes)]);
        Assert.Equal("fault 1 BadArguments: a call with further arguments comes in a frame", client.Next());
        client.Send(Call(1, "count", options: CallOptions.MoreArguments), Item(1, "x"), ItemsEnd(1));

        Assert.Equal("result 1 1", client.Next());
    }

    [Fact]
    public void A_reader_that_is_slow_with_many_open_calls_holds_their_handlers_back_and_gets_everything()
    {
        const int calls = 20, items = 40;
        byte[] item = new byte[64 * 1024];
        using var hub = new HubHarness();
        int sent = 0;
        hub.Methods.Add("long", async (call, _) =>
        {
            for (int i = 0; i < items; i++)
            {
                await call.SendAsync(item);
                Interlocked.Increment(ref sent);
            }

            return default;
        });
        NativeClient client = hub.ConnectNative(hello: Hello(items: items), receiveBufferBytes: 4096);

        client.Send([.. Enumerable.Range(1, calls).Select(i => Call((uint)i, "long"))]);
        hub.RunUntil(() => Volatile.Read(ref sent) >= 8, "the first items are said");
        hub.Turn(200);

        // Of 50 MiB that the calls have credit for, what waits is bounded: half a mebibyte, and what the system took.
        Assert.InRange(Volatile.Read(ref sent), 1, 200);
        string[] received = client.Next(calls * (items + 1));
        Assert.Equal(calls, received.Count(line => line.StartsWith("result ", StringComparison.Ordinal)));
        Assert.Equal(0, hub.Counters.Ended(ClosureCause.SlowReader));
    }

    [Fact]
    public void A_finished_call_returns_what_waited_to_be_sent()
    {
        byte[] item = new byte[64 * 1024];
        using var hub = new HubHarness();
        var sources = new System.Collections.Concurrent.ConcurrentBag<CountedSource>();
        var over = new TaskCompletionSource();
        hub.Methods.Add("endless", async (call, cancellationToken) =>
        {
            cancellationToken.Register(over.SetResult);
            while (true)
            {
                var source = new CountedSource(item);
                sources.Add(source);
                await call.SendAsync(source, cancellationToken);
            }
        });
        NativeClient client = hub.ConnectNative(hello: Hello(items: 4));

        client.Send(Call(1, "endless"));
        client.Next(4);
        client.Send(Cancel(1));

        Assert.Equal("fault 1 Cancelled: cancelled", client.Next());
        hub.RunUntil(() => over.Task.IsCompleted && sources.All(source => source.Disposals == 1), "each is disposed of once");
    }

    private sealed class CountedSource(byte[] bytes) : IChunkSource
    {
        private int _disposals;

        public int Disposals => Volatile.Read(ref _disposals);

        public long Bytes => bytes.Length;

        public void CopyTo(long from, Span<byte> target) => bytes.AsSpan((int)from, target.Length).CopyTo(target);

        public void Dispose() => Interlocked.Increment(ref _disposals);
    }

    [Fact]
    public void A_credit_of_no_items_changes_nothing()
    {
        using var hub = new HubHarness();
        hub.Methods.AddStream("many", static (_, _) => Numbers(3));
        NativeClient client = hub.ConnectNative(hello: Hello(items: 1));

        client.Send(Call(1, "many"));
        Assert.Equal("item 1 0", client.Next());
        client.Send(ItemCredit(1, 0), ItemCredit(1, 1));
        Assert.Equal("item 1 1", client.Next());
        client.Send(ItemCredit(1, 0));
        Assert.Empty(client.Within(20));
        client.Send(ItemCredit(1, 1));

        Assert.Equal(["item 1 2", "result 1 "], client.Next(2));
    }

    private static async IAsyncEnumerable<ReadOnlyMemory<byte>> Numbers(int count, Action? made = null)
    {
        await Task.Yield();
        for (int i = 0; i < count; i++)
        {
            made?.Invoke();
            yield return Bytes($"{i}");
        }
    }

    private static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
