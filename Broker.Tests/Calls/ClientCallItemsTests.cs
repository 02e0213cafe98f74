using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Calls.Outbound;
using Broker.Dialects.Native;
using Broker.Dialects;
using System.Globalization;
using System.Text;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Calls;

/// <summary>
/// Further arguments and several results of the hub's calls to its clients, through a whole hub whose turns the test takes.
/// </summary>
public sealed class ClientCallItemsTests
{
    private const uint First = 0x8000_0000;

    private static readonly ulong s_add = MethodId.Of("add").Value;

    [Theory, InlineData(true), InlineData(false)]
    public void The_hub_sends_items_and_reads_results_before_the_last(bool batched)
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, Hello(items: 8), batched);
        OpenedClientCall call = hub.Clients.Open(id, "add", Bytes("1"), sendsItems: true);
        Run(hub, call.SendAsync(Bytes("2")).AsTask());
        Run(hub, call.SendAsync(Bytes("3")).AsTask());
        call.EndArguments();
        call.EndArguments();

        Assert.Equal(
            [$"call {First:x} {s_add:x} within 300000 1 and more", $"item {First} 2", $"item {First} 3", $"items-end {First:x}"],
                client.Next(4));
        client.Send(Item(First, "a"), Item(First, "b"), Result(First, "end"));

        Assert.Equal(["a", "b"], ReadAll(hub, call));
        Assert.Equal("end", End(hub, call.Result));
    }

    [Fact]
    public void A_client_gets_credit_as_the_application_reads_and_not_before()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, Hello(items: 8));
        OpenedClientCall call = hub.Clients.Open(id, "add");
        client.Next();
        client.Send([.. Enumerable.Range(0, 8).Select(i => Item(First, Number(i)))]);
        IAsyncEnumerator<ReadOnlyMemory<byte>> results = call.GetAsyncEnumerator();

        for (int i = 0; i < 4; i++) Assert.Equal(Number(i), Next(hub, results));
        Assert.Empty(client.Within(20));
        Assert.Equal("4", Next(hub, results));
        Assert.Equal($"credit Call {First} 4", client.Next());
        client.Send([.. Enumerable.Range(8, 4).Select(i => Item(First, Number(i))), Result(First, "")]);

        for (int i = 5; i < 12; i++) Assert.Equal(Number(i), Next(hub, results));
        Assert.Null(Next(hub, results));
    }

    [Fact]
    public void Arguments_wait_for_the_clients_credit()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, Hello(items: 2));
        OpenedClientCall call = hub.Clients.Open(id, "add", sendsItems: true);
        Run(hub, call.SendAsync(Bytes("a")).AsTask());
        Run(hub, call.SendAsync(Bytes("b")).AsTask());
        Task third = call.SendAsync(Bytes("c")).AsTask();
        client.Next(3);

        Assert.Empty(client.Within(20));
        Assert.False(third.IsCompleted);
        client.Send(ItemCredit(First, 0), ItemCredit(First, 1));

        Assert.Equal($"item {First} c", client.Next());
        Run(hub, third);
    }

    [Fact]
    public void A_slow_reader_with_much_credit_holds_the_application_back_and_gets_everything()
    {
        const int items = 400;
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, Hello(items: items), receiveBufferBytes: 4096);
        OpenedClientCall call = hub.Clients.Open(id, "add", sendsItems: true);
        int sent = 0;
        Task sending = SendAsync();
        hub.RunUntil(() => Volatile.Read(ref sent) >= 8, "the first items are said");
        hub.Turn(200);

        // Of 25 MiB that there is credit for, what waits is bounded: half a mebibyte, and what the system took.
        Assert.InRange(Volatile.Read(ref sent), 1, 200);
        string[] received = client.Next(items + 2);
        Assert.Equal(items, received.Count(line => line.StartsWith("item ", StringComparison.Ordinal)));
        Assert.True(sending.IsCompletedSuccessfully);

        async Task SendAsync()
        {
            byte[] item = new byte[64 * 1024];
            for (; sent < items; Interlocked.Increment(ref sent)) await call.SendAsync(item);
            call.EndArguments();
        }
    }

    [Fact]
    public void A_fault_ends_the_enumeration_and_the_sender()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, Hello(items: 1));
        OpenedClientCall call = hub.Clients.Open(id, "add", sendsItems: true);
        Run(hub, call.SendAsync(Bytes("a")).AsTask());
        Task waiting = call.SendAsync(Bytes("b")).AsTask();
        client.Next(2);
        IAsyncEnumerator<ReadOnlyMemory<byte>> results = call.GetAsyncEnumerator();

        client.Send(Item(First, "x"), NativeWriter.Message(new CallFault { Id = First, Code = FaultCode.Failed, Text = "no more"u8 }));

        Assert.Equal("x", Next(hub, results));
        Assert.Equal("no more", Assert.Throws<ClientCallException>(() => Next(hub, results)).Text);
        Assert.Equal("no more", Failure(hub, waiting).Text);
        Assert.Equal("no more", Failure(hub, call.Result).Text);
        client.Send(Item(First, "late"), ItemCredit(First, 1), Ping(1));
        Assert.Equal("pong 1", client.Next());
    }

    [Fact]
    public void A_result_ends_the_sending_of_arguments()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, Hello(items: 1));
        OpenedClientCall call = hub.Clients.Open(id, "add", sendsItems: true);
        Run(hub, call.SendAsync(Bytes("a")).AsTask());
        Task waiting = call.SendAsync(Bytes("b")).AsTask();
        client.Next(2);

        client.Send(Result(First, "enough"));

        Assert.Equal("the call has its result", Failure(hub, waiting).Text);
        Assert.Equal("enough", End(hub, call.Result));
    }

    [Fact]
    public void Items_without_credit_fail_the_call()
    {
        using var hub = new HubHarness(new StandardSettings { Native = new NativeSettings { ItemsWindow = 2 } });
        (NativeClient client, string id) = Connect(hub, Hello(items: 8));
        OpenedClientCall call = hub.Clients.Open(id, "add");
        client.Next();

        client.Send(Item(First, "a"), Item(First, "b"), Item(First, "c"), Ping(1));

        Assert.Equal((FaultCode.Failed, "the client sent too many results"), Why(Failure(hub, call.Result)));
        Assert.Equal(["cancel 80000000", "pong 1"], client.Next(2).Order());
    }

    [Fact]
    public void Several_results_of_a_call_for_one_are_not_lost_in_silence()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, Hello(items: 8));
        Task<ReadOnlyMemory<byte>> call = hub.Clients.CallAsync(id, "add", default);
        client.Next();

        client.Send(Item(First, "a"));

        Assert.Equal((FaultCode.Failed, "it has several results, and was called for one"), Why(Failure(hub, call)));
        Assert.Equal("cancel 80000000", client.Next());
    }

    [Fact]
    public void Unread_results_are_bounded_in_bytes_per_client()
    {
        using var hub = new HubHarness(new StandardSettings { Calls = new CallSettings { BytesMax = 1000 } });
        (NativeClient client, string id) = Connect(hub, Hello(items: 8));
        OpenedClientCall one = hub.Clients.Open(id, "add"), two = hub.Clients.Open(id, "add");
        client.Next(2);

        client.Send(Item(First, new string('x', 900)), Item(First + 1, new string('x', 200)));
        Assert.Equal(
            (FaultCode.Overloaded, "results of 900 bytes wait to be read, and 200 more would be over 1000"), Why(Failure(hub, two.Result)));
        Assert.Equal("cancel 80000001", client.Next());

        client.Send(Result(First, "end"));
        Assert.Equal("end", End(hub, one.Result));
        OpenedClientCall three = hub.Clients.Open(id, "add");
        client.Next();
        client.Send(Item(First + 2, new string('y', 900)), Result(First + 2, "end"));
        Assert.Equal([new string('y', 900)], ReadAll(hub, three));
    }

    [Fact]
    public void An_argument_longer_than_the_client_takes_fails_the_call_and_the_connection_lives()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, Hello(items: 8));
        OpenedClientCall call = hub.Clients.Open(id, "add", sendsItems: true);
        Run(hub, call.SendAsync(new byte[2 << 20]).AsTask());

        Assert.Equal(
            (FaultCode.BadArguments, "an item of 2097152 bytes passes the longest payload of the client"), Why(Failure(hub, call.Result)));
        Assert.Equal($"call {First:x} {s_add:x} within 300000  and more", client.Next());
        Assert.Equal("cancel 80000000", client.Next());
        OpenedClientCall next = hub.Clients.Open(id, "add", sendsItems: true);
        Run(hub, next.SendAsync(Bytes("a")).AsTask());
        Assert.Equal($"item {First + 1} a", client.Next(2)[1]);
    }

    [Fact]
    public void First_arguments_that_others_follow_fit_a_frame_or_are_refused()
    {
        using var hub = new HubHarness();
        (_, string id) = Connect(hub, Hello(frameBytesMax: 262_162, window: 8, items: 8));

        OpenedClientCall call = hub.Clients.Open(id, "add", new byte[300_000], sendsItems: true);

        Assert.Equal(FaultCode.BadArguments, Failure(hub, call.Result).Code);
    }

    [Fact]
    public void A_client_without_a_window_gets_no_items_and_may_send_some()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, Hello(items: 0));

        Assert.Equal(
            (FaultCode.BadArguments, "the client takes no further arguments"),
                Why(Assert.Throws<ClientCallException>(() => hub.Clients.Open(id, "add", sendsItems: true))));
        OpenedClientCall call = hub.Clients.Open(id, "add");
        client.Next();
        client.Send(Item(First, "a"), Result(First, "end"));
        Assert.Equal(["a"], ReadAll(hub, call));
    }

    [Fact]
    public void Disposing_of_a_call_cancels_it_and_a_client_that_goes_fails_it()
    {
        using var hub = new HubHarness();
        (NativeClient client, string id) = Connect(hub, Hello(items: 8));
        OpenedClientCall one = hub.Clients.Open(id, "add"), two = hub.Clients.Open(id, "add");
        client.Next(2);

        Task disposed = one.DisposeAsync().AsTask();
        Assert.Equal("cancel 80000000", client.Next());
        Assert.True(disposed.IsCompletedSuccessfully);
        Assert.True(one.Result.IsCanceled);
        client.Frames.Dispose();

        Assert.Equal(FaultCode.Closed, Failure(hub, two.Result).Code);
        Assert.Equal(FaultCode.Closed, Assert.Throws<ClientCallException>(() => ReadAll(hub, two)).Code);
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static byte[] Result(uint id, string result) => NativeWriter.Message(new CallResult { Id = id, Data = Bytes(result) });

    private static (FaultCode Code, string Text) Why(ClientCallException failure) => (failure.Code, failure.Text);

    // A client is known by what a method sees of it.
    private static (NativeClient Client, string Id) Connect(
        HubHarness hub, byte[] hello, bool batched = true, int? receiveBufferBytes = null)
    {
        string id = "";
        hub.Methods.Add("who", (call, _) => new(Bytes(id = call.Caller.Client)));
        NativeClient client = hub.ConnectNative(batched, hello: hello, receiveBufferBytes: receiveBufferBytes);
        client.Send(Call(1, "who"));
        client.Next();
        return (client, id);
    }

    private static void Run(HubHarness hub, Task sending)
    {
        hub.RunUntil(() => sending.IsCompleted, "it is said");
        sending.GetAwaiter().GetResult();
    }

    private static string? Next(HubHarness hub, IAsyncEnumerator<ReadOnlyMemory<byte>> results)
    {
        Task<bool> next = results.MoveNextAsync().AsTask();
        hub.RunUntil(() => next.IsCompleted, "there is a result, or the end");
        return next.GetAwaiter().GetResult() ? Encoding.UTF8.GetString(results.Current.Span) : null;
    }

    private static List<string> ReadAll(HubHarness hub, OpenedClientCall call)
    {
        var all = new List<string>();
        IAsyncEnumerator<ReadOnlyMemory<byte>> results = call.GetAsyncEnumerator();
        while (Next(hub, results) is { } result) all.Add(result);
        return all;
    }

    private static string End(HubHarness hub, Task<ReadOnlyMemory<byte>> call)
    {
        hub.RunUntil(() => call.IsCompleted, "the call has ended");
        return Encoding.UTF8.GetString(call.GetAwaiter().GetResult().Span);
    }

    private static ClientCallException Failure(HubHarness hub, Task call)
    {
        hub.RunUntil(() => call.IsCompleted, "it has ended");
        return Assert.IsType<ClientCallException>(call.Exception!.InnerException);
    }
}
