using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using Broker.Dialects.Native;
using Broker.Dialects;
using System.Buffers;
using System.Net.Sockets;
using System.Text;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Calls;

/// <summary>Methods that answer on the loop: the test's thread is the loop, so what runs elsewhere shows by its thread.</summary>
public sealed class InlineCallTests
{
    private static readonly TimeSpan s_limit = new CallSettings().InlineLimit;

    private readonly int _loop = Environment.CurrentManagedThreadId;

    [Theory, InlineData(true), InlineData(false)]
    public void An_inline_method_replies_in_the_turn_that_read_the_call(bool batched)
    {
        using var hub = new HubHarness();
        var threads = new List<int>();
        hub.Methods.AddInline("double", (call, result) =>
        {
            threads.Add(Environment.CurrentManagedThreadId);
            Assert.Equal("double", call.Method);
            Assert.True(Guid.TryParse(call.Caller.Client, out _));
            result.Write(call.Arguments);
            result.Write(call.Arguments);
        });
        NativeClient client = hub.ConnectNative(batched);

        client.Send(Call(1, "double", "ab"), Call(2, "double"), Ping(3));

        Assert.Equal(["pong 3", "result 1 abab", "result 2 "], client.Next(3).Order(StringComparer.Ordinal));
        Assert.Equal([_loop, _loop], threads);
    }

    [Fact]
    public void Answers_of_one_turn_leave_in_one_frame()
    {
        using var hub = new HubHarness();
        hub.Methods.AddInline("same", Same);
        NativeClient client = hub.ConnectNative();

        client.Send([.. Enumerable.Range(0, 64).Select(i => Call((uint)i, "same", $"{i}"))]);

        string[] answers = Describe(client.Frames.NextPayload(), batched: true);
        Assert.Equal(Enumerable.Range(0, 64).Select(i => $"result {i} {i}"), answers);
    }

    [Fact]
    public void Inline_calls_and_messages_between_them_keep_their_order()
    {
        using var hub = new HubHarness();
        var sent = new List<string>();
        hub.Methods.AddInline("same", (call, result) =>
        {
            sent.Add(Encoding.UTF8.GetString(call.Arguments));
            result.Write(call.Arguments);
        });
        NativeClient client = hub.ConnectNative();

        client.Send(Call(1, "same", "a"), Call(2, "nobody"), Call(3, "same", new string('b', 100_000)), Cancel(3), Call(3, "same", "c"),
            Call(4, "same"));

        Assert.Equal(
            ["result 1 a", "fault 2 UnknownMethod: unknown method", $"result 3 {new string('b', 100_000)}", "result 3 c", "result 4 "],
                client.Next(5));
        Assert.Equal(["a", new string('b', 100_000), "c", ""], sent);
    }

    [Fact]
    public void Another_inline_call_in_a_turn_allocates_nothing()
    {
        const int few = 2, many = 66, turns = 20;
        using var hub = new HubHarness();
        hub.Methods.AddInline("same", Same);
        NativeClient client = hub.ConnectNative();
        byte[] answer = new byte[64 * 1024];

        long difference = Measure(many) - Measure(few);

        Assert.True(difference < turns * (many - few), $"{turns * (many - few)} more calls allocated {difference} bytes more.");

        long Measure(int calls)
        {
            byte[] frame =
                HubClient.BinaryFrame([.. Enumerable.Range(0, calls).SelectMany(i => Call((uint)i, "same", "0123456789abcdef"))]);
            return Allocations.Least(() =>
            {
                for (int turn = 0; turn < turns; turn++) Answer(frame, calls);
            });
        }

        void Answer(byte[] frame, int calls)
        {
            client.Frames.Socket.Send(frame, SocketFlags.None, out _);
            int left = calls * NativeWriter.SizeOf(new CallResult { Data = answer.AsSpan(0, 16) });
            for (int turn = 0; left > 0 && turn < 1000; turn++)
            {
                left -= Math.Max(0, client.Frames.Socket.Receive(answer, SocketFlags.None, out _));
                if (left > 0) hub.Loops[0].RunOnce(0);
            }

            Assert.True(left <= 0, "The answers did not come.");
        }
    }

    [Fact]
    public void An_inline_call_overtakes_a_slow_one_and_may_not_reuse_its_id()
    {
        using var hub = new HubHarness(new StandardSettings { Calls = new CallSettings { PendingMax = 1 } });
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        hub.Methods.Add("slow", async (call, _) =>
        {
            await held.Task;
            return call.Arguments;
        });
        hub.Methods.AddInline("same", Same);
        NativeClient client = hub.ConnectNative();

        client.Send(Call(1, "slow", "a"), Call(1, "same", "b"), Call(2, "same", "c"));
        Assert.Equal(["fault 1 BadId: the number is that of a pending call", "result 2 c"], client.Next(2));

        held.SetResult();
        Assert.Equal("result 1 a", client.Next());
    }

    [Fact]
    public void An_inline_method_returns_its_fault_and_hides_unexpected_exceptions()
    {
        using var hub = new HubHarness();
        hub.Methods.AddInline("fails", static (_, result) =>
        {
            result.Write("half an answer"u8);
            throw new CallFaultException("no such order");
        });
        hub.Methods.AddInline("breaks", static (_, _) => throw new InvalidOperationException("a secret"));
        hub.Methods.AddInline("same", Same);
        NativeClient client = hub.ConnectNative();

        client.Send(Call(1, "fails"), Call(2, "breaks"), Call(3, "same", "x"));

        Assert.Equal(["fault 1 Failed: no such order", "fault 2 Internal: internal error", "result 3 x"], client.Next(3));
    }

    [Fact]
    public void A_long_result_is_a_transfer_and_long_arguments_are_released()
    {
        using var hub =
            new HubHarness(
                new StandardSettings { Native = new NativeSettings { Streams = new StreamSettings { ConnectionBytesMax = 400_000 } } });
        hub.Methods.AddInline("long", static (_, result) => result.Advance(result.GetSpan(300_000)[..300_000].Length));
        hub.Methods.AddInline("length", static (call, result) => Encoding.UTF8.GetBytes($"{call.Arguments.Length}", result));
        NativeClient client = hub.ConnectNative(hello: Hello(frameBytesMax: 280_000, window: 8));

        client.Send(Call(1, "long"));
        Assert.Equal(["stream 0 Result 1 of 300000", "chunk 0 0/2 of 262144", "chunk 0 1/2 of 37856"], client.Next(3));

        // The second one has room only if the first does not count any more.
        for (uint i = 0; i < 2; i++)
        {
            client.Send(Cut(i, Call(10 + i, "length", new string('x', 390_000)), 262_144));
            Assert.Contains($"result {10 + i} 390000", client.Within(16));
        }
    }

    [Fact]
    public void Centrifuge_clients_call_inline_methods_too()
    {
        using var hub = new HubHarness();
        hub.Methods.AddInline("same", Same);
        HubClient client = hub.Connect();

        client.Send("""{"id":2,"rpc":{"method":"same","data":{"a": 1}}}""");

        Assert.Equal("""{"id":2,"rpc":{"data":{"a": 1}}}""", client.NextLine());
    }

    [Fact]
    public void A_turn_that_has_lasted_too_long_sends_its_other_calls_to_the_thread_pool()
    {
        using var hub = new HubHarness();
        var threads = new List<int>();
        hub.Methods.AddInline("creep", (_, _) =>
        {
            lock (threads) threads.Add(Environment.CurrentManagedThreadId);
            hub.Pass(s_limit / 16);
        });
        NativeClient client = hub.ConnectNative();

        // The clock is looked at every eight calls, and the third time it is past the limit.
        client.Send([.. Enumerable.Range(0, 40).Select(i => Call((uint)i, "creep"))]);
        Assert.Equal(40, client.Next(40).Distinct().Count());
        Assert.Equal(Enumerable.Repeat(_loop, 16), threads.Take(16));
        Assert.DoesNotContain(_loop, threads.Skip(16));

        // It is no fault of the method: the next turn has time again.
        threads.Clear();
        client.Send(Call(1, "creep"));
        client.Next();
        Assert.Equal([_loop], threads);
    }

    [Fact]
    public void A_method_that_is_late_three_times_within_a_minute_runs_on_the_thread_pool_from_then_on()
    {
        using var hub = new HubHarness(new StandardSettings { Clients = new ClientSettings { PingInterval = TimeSpan.FromDays(20) } });
        int thread = 0;
        hub.Methods.AddInline("blocks", (_, _) =>
        {
            thread = Environment.CurrentManagedThreadId;
            hub.Pass(s_limit + TimeSpan.FromMilliseconds(1));
        });
        NativeClient client = hub.ConnectNative();

        // Once in half a minute is forgiven for ever.
        for (uint i = 0; i < 5; i++)
        {
            Assert.True(IsOnLoop(i));
            hub.Advance(TimeSpan.FromSeconds(31));
            client.Send(Ping(i));
            client.Within(4);
        }

        Assert.True(IsOnLoop(10));
        Assert.True(IsOnLoop(11));
        Assert.False(IsOnLoop(12));
        Assert.False(IsOnLoop(13));

        bool IsOnLoop(uint call)
        {
            client.Send(Call(call, "blocks"));
            Assert.Equal($"result {call} ", client.Next());
            return thread == _loop;
        }
    }

    [Fact]
    public void Only_the_method_that_is_late_pays_for_it()
    {
        using var hub = new HubHarness();
        int[] threads = [0, 0];
        hub.Methods.AddInline("blocks", (_, _) =>
        {
            threads[0] = Environment.CurrentManagedThreadId;
            hub.Pass(s_limit + TimeSpan.FromMilliseconds(1));
        });
        hub.Methods.AddInline("same", (_, _) => threads[1] = Environment.CurrentManagedThreadId);
        NativeClient client = hub.ConnectNative();

        for (uint round = 0; round < 6; round++)
        {
            client.Send(Call(1, "same"), Call(2, "blocks"), Call(3, "same"));
            client.Next(3);
        }

        client.Send(Call(1, "blocks"));
        client.Next();
        client.Send(Call(2, "same"));
        client.Next();
        Assert.NotEqual(_loop, threads[0]);
        Assert.Equal(_loop, threads[1]);
    }

    private static void Same(InlineCall call, IBufferWriter<byte> result) => result.Write(call.Arguments);
}
