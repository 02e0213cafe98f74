using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Calls.Outbound;
using Broker.Dialects.Native;
using Broker.Dialects;
using System.Text;
using Akka.Actor;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Calls;

/// <summary>Calls of the hub to its clients, through a whole hub whose turns and clock the test moves.</summary>
public sealed class ClientCallTests
{
    private const uint First = 0x8000_0000, Second = 0x8000_0001;

    private static readonly ulong s_add = MethodId.Of("add").Value;

    [Theory, InlineData(true), InlineData(false)]
    public void A_client_answers_in_any_order(bool batched)
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, batched);

        Task<ReadOnlyMemory<byte>> one = hub.Clients.CallAsync(id, "add", "1"u8.ToArray()), two =
            hub.Clients.CallAsync(id, "add", "2"u8.ToArray(), TimeSpan.FromSeconds(7));

        Assert.Equal([$"call {First:x} {s_add:x} within 300000 1", $"call {Second:x} {s_add:x} within 7000 2"], client.Next(2));
        client.Send(Result(Second, "two"));
        Assert.Equal("two", End(hub, two));
        Assert.False(one.IsCompleted);
        client.Send(Result(First, "one"), Result(First, "again"));
        Assert.Equal("one", End(hub, one));
    }

    [Fact]
    public void A_client_method_returns_its_fault()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub);
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", default);
        client.Next();

        client.Send(NativeWriter.Message(new CallFault { Id = First, Code = (FaultCode)1234, Text = "not on Sundays"u8 }));

        ClientCallException failed = Failure(hub, call);
        Assert.Equal(((FaultCode)1234, "not on Sundays"), (failed.Code, failed.Text));
    }

    [Fact]
    public void A_call_ends_at_its_deadline_and_the_client_is_notified()
    {
        using var hub = new HubHarness(new StandardSettings { Clients = new ClientSettings { PingInterval = TimeSpan.FromDays(20) } });
        (NativeClient client, string id) = Connect(hub);
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", default, TimeSpan.FromSeconds(2));
        client.Next();

        hub.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(call.IsCompleted);
        hub.Advance(TimeSpan.FromSeconds(0.2));

        Assert.Equal(FaultCode.Deadline, Failure(hub, call).Code);
        Assert.Equal($"cancel {First:x}", client.Next());
        client.Send(Result(First, "late"), Ping(1));
        Assert.Equal("pong 1", client.Next());
    }

    [Fact]
    public void A_deadline_without_end_or_over_the_bound_is_the_bound()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub);

        _ = hub.Clients.CallAsync(id, "add", default, Timeout.InfiniteTimeSpan);
        _ = hub.Clients.CallAsync(id, "add", default, TimeSpan.MaxValue);
        _ = hub.Clients.Open(id, "add", default, deadline: Timeout.InfiniteTimeSpan);

        foreach (string line in client.Next(3)) Assert.Contains("within 300000", line, StringComparison.Ordinal);
    }

    [Theory, InlineData(0), InlineData(-2), InlineData(-1_000_000)]
    public void A_deadline_that_is_not_over_zero_is_refused_and_leaves_nothing(int milliseconds)
    {
        using var hub = new HubHarness(new StandardSettings { Calls = new CallSettings { PendingMax = 1 } });
        (NativeClient client, string id) = Connect(hub);
        TimeSpan deadline = TimeSpan.FromMilliseconds(milliseconds);

        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = hub.Clients.CallAsync(id, "add", default, deadline); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = hub.Clients.Open(id, "add", default, deadline: deadline); });

        _ = hub.Clients.CallAsync(id, "add", default);
        Assert.StartsWith($"call {First:x} ", client.Next(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_call_that_can_have_no_timer_is_not_there()
    {
        var client = new CalledClient(ActorRefs.Nobody, new CallSettings { PendingMax = 1 }, default, new NoTimers(), () => { });

        Assert.Throws<InvalidOperationException>(
            () => { _ = client.CallAsync("add", default, TimeSpan.FromSeconds(1), CancellationToken.None); });

        Assert.False(client.IsWaiting(First));
    }

    private sealed class NoTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            throw new InvalidOperationException("No timers.");
    }

    [Fact]
    public void Cancelling_is_reported_to_the_caller_and_the_client()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub);
        using var stop = new CancellationTokenSource();
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", default, cancellationToken: stop.Token);
        client.Next();

        stop.Cancel();

        hub.RunUntil(() => call.IsCanceled, "the call is cancelled");
        Assert.Equal($"cancel {First:x}", client.Next());
    }

    [Fact]
    public void A_client_that_goes_fails_what_waits_and_is_not_there_any_more()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub);
        Task<ReadOnlyMemory<byte>> one = hub.Clients.CallAsync(id, "add", default), two = hub.Clients.CallAsync(id, "add", default);
        client.Next(2);

        client.Frames.Dispose();

        Assert.Equal(FaultCode.Closed, Failure(hub, one).Code);
        Assert.Equal(FaultCode.Closed, Failure(hub, two).Code);
        Assert.Equal(FaultCode.Closed, Assert.Throws<ClientCallException>(() => { _ = hub.Clients.CallAsync(id, "add", default); }).Code);
    }

    [Fact]
    public void Clients_that_take_no_calls_are_not_there()
    {
        using var hub = new HubHarness();
        HubClient json = hub.Dial();
        json.Send("""{"id":1,"connect":{}}""");
        string id = json.NextLine().Split('"')[7];

        Assert.Equal(FaultCode.Closed, Assert.Throws<ClientCallException>(() => { _ = hub.Clients.CallAsync(id, "add", default); }).Code);
    }

    [Fact]
    public void Calls_to_one_client_are_bounded()
    {
        using var hub = new HubHarness(new StandardSettings { Calls = new CallSettings { PendingMax = 1 } });
        (NativeClient client, string id) = Connect(hub);
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", default);

        Assert.Equal(
            FaultCode.Overloaded, Assert.Throws<ClientCallException>(() => { _ = hub.Clients.CallAsync(id, "add", default); }).Code);

        client.Next();
        client.Send(Result(First, "one"));
        Assert.Equal("one", End(hub, call));
    }

    [Theory, InlineData(StreamPurpose.Result), InlineData(StreamPurpose.Message)]
    public void Long_arguments_and_results_are_streams(StreamPurpose purpose)
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, hello: Hello(frameBytesMax: 262_162, window: 8));
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", new byte[300_000]);
        Assert.Equal(["stream 0 Message 0 of 300022", "chunk 0 0/2 of 262144", "chunk 0 1/2 of 37878"], client.Next(3));

        string result = new('r', 300_000);
        byte[] bytes = purpose == StreamPurpose.Result ? Encoding.UTF8.GetBytes(result) : Result(First, result);
        client.SendFrames(Header(0, bytes.Length, purpose, purpose == StreamPurpose.Result ? First : 0));
        client.SendFrames(Cut(0, bytes, 100_000));

        Assert.Equal(result, End(hub, call));
    }

    [Theory, InlineData(StreamPurpose.Result), InlineData(StreamPurpose.Message)]
    public void A_long_result_is_copied_once(StreamPurpose purpose)
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub);
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", default);
        client.Next();
        byte[] bytes = purpose == StreamPurpose.Result ? new byte[2_000_000] : Result(First, new string('r', 2_000_000));
        byte[][] chunks = Cut(0, bytes, 200_000);
        client.SendFrames(Header(0, bytes.Length, purpose, purpose == StreamPurpose.Result ? First : 0));
        foreach (byte[] chunk in chunks[..^1])
        {
            client.SendFrames(chunk);
            hub.Turn(2);
            client.Within(1);
        }

        // The last chunk is small, or comes in a buffer that is there already.
        client.SendFrames(chunks[^1]);
        long before = GC.GetAllocatedBytesForCurrentThread();
        hub.RunUntil(() => call.IsCompleted, "the call has ended");
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(2_000_000, End(hub, call).Length);
        Assert.InRange(allocated, 2_000_000, 3_000_000);
    }

    [Theory, InlineData(1), InlineData(8)]
    public void Arguments_that_the_client_refuses_end_the_call(int window)
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, hello: Hello(frameBytesMax: 262_162, window: window));
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", new byte[300_000]);
        client.Next(window == 1 ? 2 : 3);

        client.Send(CancelStream(0, StreamOwner.Yours));

        ClientCallException failed = Failure(hub, call);
        Assert.Equal((FaultCode.Overloaded, "the arguments were refused by the client"), (failed.Code, failed.Text));
    }

    [Fact]
    public void Arguments_that_the_client_takes_no_further_end_the_call_by_the_clock()
    {
        using var hub = new HubHarness(new StandardSettings { Clients = new ClientSettings { PingInterval = TimeSpan.FromDays(20) } });
        (NativeClient client, string id) = Connect(hub, hello: Hello(frameBytesMax: 262_162, window: 1));
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", new byte[300_000]);
        client.Next(2);

        Assert.Empty(Advance(hub, client, seconds: 57));
        Assert.False(call.IsCompleted);
        Assert.Equal(["stream-cancel Mine 0 204"], Advance(hub, client, seconds: 4));

        ClientCallException failed = Failure(hub, call);
        Assert.Equal((FaultCode.Deadline, "the arguments were not taken in time"), (failed.Code, failed.Text));
    }

    [Fact]
    public void A_result_whose_stream_expires_ends_its_call()
    {
        using var hub = new HubHarness(new StandardSettings { Clients = new ClientSettings { PingInterval = TimeSpan.FromDays(20) } });
        (NativeClient client, string id) = Connect(hub);
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", default);
        client.Next();
        client.Send(Header(0, 300_000, StreamPurpose.Result, First), Chunk(0, 0, 2, new byte[2000]));

        Assert.Empty(client.Within(4));
        Assert.Empty(Advance(hub, client, seconds: 57));
        Assert.False(call.IsCompleted);
        Assert.Equal(["error Stream 204 id 0 chunk 0 message 0"], Advance(hub, client, seconds: 4));

        Assert.Equal(FaultCode.Overloaded, Failure(hub, call).Code);
    }

    [Fact]
    public void A_result_whose_stream_is_refused_ends_its_call_at_once()
    {
        using var hub =
            new HubHarness(
                new StandardSettings { Native = new NativeSettings { Streams = new StreamSettings { ConnectionBytesMax = 100_000 } } });
        (NativeClient client, string id) = Connect(hub);
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", default);
        client.Next();

        client.Send(Header(0, 300_000, StreamPurpose.Result, First), Chunk(0, 0, 2, new byte[200_000]));

        ClientCallException failed = Failure(hub, call);
        Assert.Equal(
            (FaultCode.ResultTooBig,
                "the hub refused the stream of the result: ConnectionFull: 262144 more bytes with 0 that streams of the connection hold, "
                    + "at most 100000"), (failed.Code, failed.Text));
        Assert.Equal("error Stream 213 id 0 chunk 0 message 1", client.Next());
    }

    [Fact]
    public void A_result_as_one_stream_too_many_may_be_tried_again()
    {
        using var hub =
            new HubHarness(new StandardSettings { Native = new NativeSettings { Streams = new StreamSettings { OpenMax = 1 } } });
        (NativeClient client, string id) = Connect(hub);
        Task<ReadOnlyMemory<byte>> one = hub.Clients.CallAsync(id, "add", default), two = hub.Clients.CallAsync(id, "add", default);
        client.Next(2);

        client.Send(Header(0, 600_000, StreamPurpose.Result, First), Header(1, 600_000, StreamPurpose.Result, Second));

        Assert.Equal(FaultCode.Overloaded, Failure(hub, two).Code);
        Assert.False(one.IsCompleted);
    }

    private static byte[] Result(uint id, string result) =>
        NativeWriter.Message(new CallResult { Id = id, Data = Encoding.UTF8.GetBytes(result) });

    // In steps that a connection outlives; what the client receives meanwhile.
    private static List<string> Advance(HubHarness hub, NativeClient client, int seconds)
    {
        var received = new List<string>();
        for (int left = seconds; left > 0; left -= 19)
        {
            hub.Advance(TimeSpan.FromSeconds(Math.Min(left, 19)));
            client.Send(Ping(1));
            while (client.Next() is var line && line != "pong 1") received.Add(line);
        }

        return received;
    }

    // A client is known by what a method sees of it.
    private static (NativeClient Client, string Id) Connect(HubHarness hub, bool batched = true, byte[]? hello = null)
    {
        string id = "";
        hub.Methods.Add("who", (call, _) => new(Encoding.UTF8.GetBytes(id = call.Caller.Client)));
        NativeClient client = hub.ConnectNative(batched, hello: hello);
        client.Send(Call(1, "who"));
        client.Next();
        return (client, id);
    }

    private static string End(HubHarness hub, Task<ReadOnlyMemory<byte>> call)
    {
        hub.RunUntil(() => call.IsCompleted, "the call has ended");
        return Encoding.UTF8.GetString(call.GetAwaiter().GetResult().Span);
    }

    private static ClientCallException Failure(HubHarness hub, Task<ReadOnlyMemory<byte>> call)
    {
        hub.RunUntil(() => call.IsCompleted, "the call has ended");
        return Assert.IsType<ClientCallException>(call.Exception!.InnerException);
    }
}
