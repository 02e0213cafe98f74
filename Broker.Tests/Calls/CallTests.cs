using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using Broker.Dialects.Native;
using Broker.Dialects;
using System.Collections.Concurrent;
using System.Text;
using Akka.Event;
using Akka.TestKit;
using Broker.Actors;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Calls;

/// <summary>Calls through a whole hub whose turns the test takes; handlers run on the thread pool and wait for the test.</summary>
public sealed class CallTests
{
    [Theory, InlineData(true), InlineData(false)]
    public void A_call_is_answered_with_its_result(bool batched)
    {
        using var hub = new HubHarness();
        MethodCall? seen = null;
        hub.Methods.Add("double", (call, _) =>
        {
            seen = call;
            return new(Wire.Join(call.Arguments.ToArray(), call.Arguments.ToArray()));
        });
        NativeClient client = hub.ConnectNative(batched);

        client.Send(Call(1, "double", "ab"), Call(2, "double"));

        Assert.Equal(["result 1 abab", "result 2 "], client.Next(2).Order(StringComparer.Ordinal));
        Assert.Equal("double", seen!.Method);
        Assert.True(Guid.TryParse(seen.Caller.Client, out _));
    }

    [Fact]
    public void Results_come_as_handlers_return_and_a_slow_one_delays_none()
    {
        using var hub = new HubHarness();
        var held = new Held();
        hub.Methods.Add("slow", held.HandleAsync);
        hub.Methods.Add("fast", static (call, _) => new(call.Arguments));
        NativeClient client = hub.ConnectNative(), other = hub.ConnectNative();

        client.Send(Call(1, "slow", "a"), Call(2, "slow", "b"), Call(3, "fast", "c"), Ping(4));
        Assert.Equal(["pong 4", "result 3 c"], client.Next(2));
        other.Send(Call(1, "fast", "d"));
        Assert.Equal("result 1 d", other.Next());

        held.Return("b");
        Assert.Equal("result 2 b!", client.Next());
        held.Return("a");
        Assert.Equal("result 1 a!", client.Next());
    }

    [Fact]
    public void A_thousand_calls_wait_while_many_fast_ones_pass()
    {
        using var hub = new HubHarness(new StandardSettings { Calls = new CallSettings { PendingMax = 2000 } });
        var held = new Held();
        hub.Methods.Add("slow", held.HandleAsync);
        hub.Methods.Add("fast", static (call, _) => new(call.Arguments));
        NativeClient client = hub.ConnectNative();

        client.Send([.. Enumerable.Range(0, 1000).Select(i => Call((uint)i, "slow", $"{i}"))]);
        for (uint round = 0; round < 10; round++)
        {
            client.Send([.. Enumerable.Range(0, 500).Select(i => Call(10_000 + (uint)i, "fast"))]);
            Assert.Equal(500, client.Next(500).Distinct().Count());
        }

        for (int i = 0; i < 1000; i++) held.Return($"{i}");
        Assert.Equal(1000, client.Next(1000).Distinct().Count(line => line.EndsWith('!')));
    }

    [Fact]
    public void A_cancelled_call_is_answered_at_once_and_its_handlers_token_is_cancelled()
    {
        using var hub = new HubHarness();
        var held = new Held();
        hub.Methods.Add("slow", held.HandleAsync);
        NativeClient client = hub.ConnectNative();
        client.Send(Call(1, "slow", "a"));
        CancellationToken token = held.TokenOf("a", hub);

        client.Send(Cancel(1), Cancel(1), Cancel(7));

        Assert.Equal("fault 1 Cancelled: cancelled", client.Next());
        hub.RunUntil(() => token.IsCancellationRequested, "the handler's token is cancelled");
        held.Return("a");
        Assert.Empty(client.Within(4));
        client.Send(Call(1, "slow", "b"));           // The number is free again.
        held.Return("b");
        Assert.Equal("result 1 b!", client.Next());
    }

    [Theory]
    [InlineData(200u, 200)]
    [InlineData(0u, 5_000)]
    [InlineData(60_000u, 5_000)]
    public void A_call_whose_time_is_over_is_answered_so(uint deadline, int milliseconds)
    {
        using var hub =
            new HubHarness(
                new StandardSettings { Calls = new CallSettings { DeadlineMax = TimeSpan.FromSeconds(5) },
                    Clients = new ClientSettings { PingInterval = TimeSpan.FromHours(1) } });
        var held = new Held();
        hub.Methods.Add("slow", held.HandleAsync);
        NativeClient client = hub.ConnectNative();
        client.Send(Call(1, "slow", "a", deadline));
        CancellationToken token = held.TokenOf("a", hub);

        hub.Advance(TimeSpan.FromMilliseconds(milliseconds - 1));
        Assert.Empty(client.Within(4));
        hub.Advance(TimeSpan.FromMilliseconds(1 + 64));      // A loop's deadline may be one tick late.

        Assert.Equal("fault 1 Deadline: the time is over", client.Next());
        Assert.True(token.IsCancellationRequested);
    }

    [Fact]
    public void A_handler_returns_its_fault_and_hides_unexpected_exceptions()
    {
        using var hub = new HubHarness();
        hub.Methods.Add("fails", static (_, _) => throw new CallFaultException("no such order"));
        hub.Methods.Add("refuses", static (_, _) => throw new CallFaultException((FaultCode)1234, "not on Sundays"));
        hub.Methods.Add("breaks", static async (_, _) =>
        {
            await Task.Yield();
            throw new InvalidOperationException("a secret");
        });
        NativeClient client = hub.ConnectNative();

        client.Send(Call(1, "fails"));
        Assert.Equal("fault 1 Failed: no such order", client.Next());
        client.Send(Call(2, "refuses"));
        Assert.Equal("fault 2 1234: not on Sundays", client.Next());
        client.Send(Call(3, "breaks"));
        Assert.Equal("fault 3 Internal: internal error", client.Next());
    }

    [Fact]
    public void A_handler_rejects_bad_arguments_and_the_connection_lives()
    {
        using var hub = new HubHarness();
        hub.Methods.Add(
            "picky", static (call, _) =>
                call.Arguments.Length == 1 ? new(call.Arguments) : throw new CallFaultException(FaultCode.BadArguments, "one byte"));
        NativeClient client = hub.ConnectNative();

        client.Send(Call(1, "picky", "xx"));
        Assert.Equal("fault 1 BadArguments: one byte", client.Next());
        client.Send(Call(2, "picky", "x"));
        Assert.Equal("result 2 x", client.Next());
    }

    [Theory, InlineData(FaultCode.None), InlineData(FaultCode.Closed)]
    public void A_handler_that_fails_with_no_fault_breaks(FaultCode code)
    {
        using var hub = new HubHarness();
        hub.Methods.Add("odd", (_, _) => throw new CallFaultException(code, "fine"));
        NativeClient client = hub.ConnectNative();

        client.Send(Call(1, "odd"));

        Assert.Equal("fault 1 Internal: internal error", client.Next());
    }

    [Fact]
    public void Calls_that_cannot_start_are_answered_with_a_fault_and_the_connection_lives()
    {
        using var hub = new HubHarness(new StandardSettings { Calls = new CallSettings { PendingMax = 2, BytesMax = 1024 } });
        var held = new Held();
        hub.Methods.Add("slow", held.HandleAsync);
        NativeClient client = hub.ConnectNative();

        client.Send(
            Call(1, "slow", "a"),
            Call(1, "slow", "b"),
            Call(2, "slow", new string('x', 1024)),
            Call(3, "nobody"),
            Call(0x8000_0004, "slow"),
            Call(6, "slow", "c"),
            Call(7, "slow", "d"));

        string[] expected =
        [
            "fault 1 BadId: the number is that of a pending call",
            "fault 2 Overloaded: too many calls are pending",
            "fault 2147483652 BadId: the highest bit of the number is the server's",
            "fault 3 UnknownMethod: unknown method",
            "fault 7 Overloaded: too many calls are pending",
        ];
        Assert.Equal(expected, client.Next(5).Order(StringComparer.Ordinal));
        held.Return("a");
        held.Return("c");
        Assert.Equal(["result 1 a!", "result 6 c!"], client.Next(2).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Cancelling_does_not_raise_the_bound_of_running_handlers()
    {
        using var hub = new HubHarness(new StandardSettings { Calls = new CallSettings { PendingMax = 1 } });
        var held = new Held();
        hub.Methods.Add("slow", held.HandleAsync);
        NativeClient client = hub.ConnectNative();

        client.Send(Call(1, "slow", "a"), Cancel(1), Call(2, "slow", "b"));
        Assert.Equal(["fault 1 Cancelled: cancelled", "fault 2 Overloaded: too many calls are pending"], client.Next(2));

        held.Return("a");
        hub.RunUntil(() => Retried() == "result 3 c!", "there is room again");

        string Retried()
        {
            client.Send(Call(3, "slow", "c"));
            held.Return("c");
            return client.Next();
        }
    }

    [Fact]
    public void A_client_that_goes_cancels_its_handlers()
    {
        using var hub = new HubHarness();
        var held = new Held();
        hub.Methods.Add("slow", held.HandleAsync);
        NativeClient client = hub.ConnectNative();
        client.Send(Call(1, "slow", "a"), Call(2, "slow", "b"));
        CancellationToken[] tokens = [held.TokenOf("a", hub), held.TokenOf("b", hub)];

        client.Frames.Dispose();

        hub.RunUntil(() => tokens.All(token => token.IsCancellationRequested), "the handlers are told");
        held.Return("a");
    }

    [Fact]
    public void What_returns_after_its_client_has_gone_is_no_dead_letter_in_the_log()
    {
        using var hub = new HubHarness();
        TestProbe letters = hub.CreateProbe();
        hub.System.EventStream.Subscribe(letters, typeof(AllDeadLetters));
        var held = new Held();
        hub.Methods.Add("slow", held.HandleAsync);
        NativeClient client = hub.ConnectNative();
        client.Send(Call(1, "slow", "a"));
        held.TokenOf("a", hub);
        client.Send(Cancel(1));
        Assert.Equal("fault 1 Cancelled: cancelled", client.Next());

        client.Frames.Dispose();
        hub.RunUntil(() => hub.Counters.Open == 0, "the client is gone");
        hub.Turn(4);
        held.Return("a");

        hub.RunUntil(() => letters.HasMessages, "nobody hears the result");

        // By itself, or with others if its handler had not come to wait before it was told to return.
        object letter = letters.ExpectMsg<SuppressedDeadLetter>().Message;
        Assert.True(letter is InboundCallProtocol.CallReturned or InboundCallProtocol.CallsReturned, $"{letter}");
    }

    [Fact]
    public void A_result_longer_than_a_frame_of_the_client_is_a_stream_and_one_longer_than_a_stream_is_a_fault()
    {
        using var hub =
            new HubHarness(new StandardSettings { Native = new NativeSettings { Streams = new StreamSettings { BytesMax = 300_000 } } });
        hub.Methods.Add(
            "large", static (call, _) => new(new byte[int.Parse(call.Arguments.Span, System.Globalization.CultureInfo.InvariantCulture)]));
        NativeClient client = hub.DialNative();
        client.Send(Hello(frameBytesMax: 280_000, window: 2));
        Assert.StartsWith("welcome", client.Next(), StringComparison.Ordinal);

        client.Send(Call(1, "large", $"{280_000 - 10}"));
        Assert.StartsWith("result 1 ", client.Next(), StringComparison.Ordinal);
        client.Send(Call(2, "large", $"{280_000 - 9}"));
        Assert.Equal(["stream 0 Result 2 of 279991", "chunk 0 0/2 of 262144", "chunk 0 1/2 of 17847"], client.Next(3));
        client.Send(Call(3, "large", "300001"));
        Assert.Equal(
            "fault 3 ResultTooBig: the result can not be sent: StreamTooBig: a stream of 300001 bytes, and one has at most 300000",
                client.Next());
    }

    [Fact]
    public void Without_any_method_rpc_is_not_available_to_Centrifuge_clients()
    {
        using var hub = new HubHarness();
        HubClient client = hub.Connect();

        client.Send("""{"id":2,"rpc":{"method":"nobody"}}""");

        Assert.Equal("""{"id":2,"error":{"code":108,"message":"not available"}}""", client.NextLine());
    }

    [Fact]
    public void Centrifuge_clients_call_the_same_methods_with_json()
    {
        using var hub = new HubHarness();
        hub.Methods.Add("same", static (call, _) => new(call.Arguments));
        hub.Methods.Add("bytes", static (_, _) => new(new byte[] { 0xff }));
        hub.Methods.Add("fails", static (_, _) => throw new CallFaultException("no such order"));
        hub.Methods.Add("own", static (_, _) => throw new CallFaultException((FaultCode)1234, "not on Sundays"));
        hub.Methods.Add("bad", static (_, _) => throw new CallFaultException(FaultCode.BadArguments, "not a number"));
        hub.Methods.Add("breaks", static (_, _) => throw new InvalidOperationException("a secret"));
        HubClient client = hub.Connect();

        Assert.Equal("""{"id":2,"rpc":{"data":{"a": 1}}}""", Ask("""{"id":2,"rpc":{"method":"same","data":{"a": 1}}}"""));
        Assert.Equal("""{"id":3,"rpc":{}}""", Ask("""{"id":3,"rpc":{"method":"same"}}"""));
        Assert.Equal("""{"id":4,"error":{"code":104,"message":"method not found"}}""", Ask("""{"id":4,"rpc":{"method":"nobody"}}"""));
        Assert.Equal("""{"id":5,"error":{"code":108,"message":"not available"}}""", Ask("""{"id":5,"rpc":{"method":"bytes"}}"""));
        Assert.Equal("""{"id":6,"error":{"code":400,"message":"no such order"}}""", Ask("""{"id":6,"rpc":{"method":"fails"}}"""));
        Assert.Equal("""{"id":7,"error":{"code":1234,"message":"not on Sundays"}}""", Ask("""{"id":7,"rpc":{"method":"own"}}"""));
        Assert.Equal("""{"id":8,"error":{"code":107,"message":"bad request"}}""", Ask("""{"id":8,"rpc":{"method":"bad"}}"""));
        Assert.StartsWith("""{"id":9,"error":{"code":100,""", Ask("""{"id":9,"rpc":{"method":"breaks"}}"""), StringComparison.Ordinal);

        string Ask(string line)
        {
            client.Send(line);
            return client.NextLine();
        }
    }

    [Fact]
    public async Task Methods_are_added_once_and_before_the_start()
    {
        var settings = new StandardSettings { Reactors = 1, Listen = new ListenSettings { Port = 0 } };
        await using var hub =
            new Hub(settings.Hub, Akka.Configuration.ConfigurationFactory.ParseString("akka { loglevel = OFF, stdout-loglevel = OFF }"),
                TimeProvider.System, Broker.Dialects.StandardDialects.Of(settings));
        hub.Methods.Add("a", static (call, _) => new(call.Arguments));
        Assert.Throws<ArgumentException>(() => hub.Methods.Add("a", static (call, _) => new(call.Arguments)));
        Assert.Throws<ArgumentException>(() => hub.Methods.Add("", static (call, _) => new(call.Arguments)));

        hub.Start(plainHttp: null);

        Assert.Throws<InvalidOperationException>(() => hub.Methods.Add("b", static (call, _) => new(call.Arguments)));
    }

    /// <summary>A handler whose calls return when the test says so, by their arguments.</summary>
    private sealed class Held
    {
        private readonly ConcurrentDictionary<string, TaskCompletionSource> _returns = new();
        private readonly ConcurrentDictionary<string, CancellationToken> _tokens = new();

        public async ValueTask<ReadOnlyMemory<byte>> HandleAsync(MethodCall call, CancellationToken cancellationToken)
        {
            string name = Encoding.UTF8.GetString(call.Arguments.Span);
            _tokens[name] = cancellationToken;
            await ReturnOf(name).Task;
            return Encoding.UTF8.GetBytes($"{name}!");
        }

        /// <summary>Before the call or after it has begun.</summary>
        public void Return(string name) => ReturnOf(name).TrySetResult();

        public CancellationToken TokenOf(string name, HubHarness hub)
        {
            hub.RunUntil(() => _tokens.ContainsKey(name), $"the handler has begun with {name}");
            return _tokens[name];
        }

        private TaskCompletionSource ReturnOf(string name) =>
            _returns.GetOrAdd(name, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
    }
}
