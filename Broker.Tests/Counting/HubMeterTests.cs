using Broker.Actors.Api;
using Broker.Dialects.Centrifuge;
using Broker.Dialects;
using System.Buffers;
using System.Diagnostics.Metrics;
using Broker.Actors;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Settings;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Metrics;
using Broker.Core.Counting;
using Broker.Core.Framing;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Counting;

/// <summary>What a whole hub counts, as the one that collects metrics reads it.</summary>
public sealed class HubMeterTests : IDisposable
{
    private readonly HubHarness _hub = new();
    private readonly HubMeter _meter;

    public HubMeterTests() =>
        _meter = new HubMeter("1.2.3", _hub.Counters, [.. _hub.Loops.Select(static loop => loop.Counters)], _hub.Channels);

    public void Dispose()
    {
        _meter.Dispose();
        _hub.Dispose();
    }

    [Theory, InlineData(true, 1), InlineData(false, 3)]
    public void A_payload_is_counted_once_and_each_of_its_messages(bool batched, int payloads)
    {
        NativeClient client = _hub.ConnectNative(batched);
        Dictionary<string, long> before = Read();

        client.Send(Ping(1), Ping(2), Ping(3));
        Assert.Equal(["pong 1", "pong 2", "pong 3"], client.Next(3));

        Dictionary<string, long> after = Read();
        Assert.Equal((payloads, 3), (Since("broker.payloads.received"), Since("broker.messages.received")));
        Assert.Equal((payloads, 3), (Since("broker.payloads.sent"), Since("broker.messages.sent")));
        int bytes = 3 * Ping(1).Length;                                      // As long as a pong.
        Assert.Equal(bytes + (3 * payloads), Since("broker.sent"));          // A header of two bytes, and the tag;
        Assert.Equal(bytes + (6 * payloads), Since("broker.received"));      // a header of two bytes, and the key.

        long Since(string name) => after[name] - before[name];
    }

    [Fact]
    public void Lines_are_the_messages_of_a_JSON_payload()
    {
        HubClient client = _hub.Connect();
        Dictionary<string, long> before = Read();

        client.Send("""{"id":2,"subscribe":{"channel":"a"}}""", """{"id":3,"publish":{"channel":"a","data":1}}""",
            """{"id":4,"publish":{"channel":"a","data":2}}""");
        Assert.Equal(5, client.NextLines(5).Length);

        Dictionary<string, long> after = Read();
        Assert.Equal(1, after["broker.payloads.received"] - before["broker.payloads.received"]);
        Assert.Equal(3, after["broker.messages.received"] - before["broker.messages.received"]);
        Assert.Equal(5, after["broker.messages.sent"] - before["broker.messages.sent"]);
        Assert.InRange(after["broker.payloads.sent"] - before["broker.payloads.sent"], 2, 3);
    }

    [Fact]
    public void Publications_are_counted_once_and_deliveries_for_each_listener()
    {
        NativeClient one = _hub.ConnectNative(), two = _hub.ConnectNative(batched: false);
        HubClient three = _hub.Connect();
        one.Send(Subscribe(1, "a"));
        two.Send(Subscribe(1, "a"));
        three.Send("""{"id":2,"subscribe":{"channel":"a"}}""", """{"id":3,"subscribe":{"channel":"b"}}""");
        Assert.StartsWith("subscribed", one.Next(), StringComparison.Ordinal);
        Assert.StartsWith("subscribed", two.Next(), StringComparison.Ordinal);
        three.NextLines(2);
        Assert.Equal((3, 2, 4), (Read()["broker.connections"], Read()["broker.channels"], Read()["broker.subscriptions"]));

        one.Send(Publish(0, "a", "x"), Publish(0, "a", "y"), Publish(0, "nobody", "z"));
        one.Next(2);
        two.Next(2);
        three.NextLines(2);
        Assert.Equal((3, 6), (Read()["broker.publications"], Read()["broker.deliveries"]));

        three.SendClose();
        _hub.Turn(4);
        Assert.Equal((2, 1, 2), (Read()["broker.connections"], Read()["broker.channels"], Read()["broker.subscriptions"]));

        _hub.FailRouter(0);
        Assert.Equal("unsubscribed 0 #1 2500", one.Next());
        Assert.Equal((0, 0), (Read()["broker.channels"], Read()["broker.subscriptions"]));
    }

    [Fact]
    public void Publications_and_recoveries_are_counted_by_namespace()
    {
        var history = new Broker.Actors.Channels.History.HistoryOptions { Size = 2, Ttl = TimeSpan.FromMinutes(1) };
        using var hub =
            new HubHarness(
                new StandardSettings { Reactors = 2,
                    Namespaces = [new ChannelNamespace { Name = "kept", History = history, Recovery = true }] });
        using var meter = new HubMeter("1.2.3", hub.Counters, [.. hub.Loops.Select(static loop => loop.Counters)], hub.Channels);
        HubClient client = hub.Connect();
        client.Send("""{"id":2,"publish":{"channel":"kept:a","data":1}}""", """{"id":3,"publish":{"channel":"kept:b","data":1}}""",
            """{"id":4,"publish":{"channel":"plain","data":1}}""");
        client.NextLines(3);
        Assert.NotEqual(0, Measure(hub)["broker.history"]);
        for (int i = 0; i < 2; i++)
            hub.Answer(hub.Api.PublishAsync("kept:a", new PublishRequest("2"u8.ToArray()) { IsJson = true, IdempotencyKey = "once" }));

        foreach (string position in (string[])[
            "\"offset\":0", "\"offset\":2", "\"offset\":9", "\"offset\":0,\"epoch\":\"foreign\",\"flag\":2"])
        {
            HubClient back = hub.Connect();
            back.Send($$$"""{"id":2,"subscribe":{"channel":"kept:a","recover":true,{{{position}}}}}""");
            back.NextLine();
        }

        HubClient fresh = hub.Connect();
        fresh.Send("""{"id":2,"subscribe":{"channel":"kept:a"}}""");
        fresh.NextLine();
        Assert.Equal(
            [
                "broker.namespace.publications namespace=- outcome=sent: 1",
                "broker.namespace.publications namespace=kept outcome=sent: 3",
                "broker.namespace.publications namespace=kept outcome=suppressed: 1",
                "broker.recovered.publications namespace=kept: 2",
                "broker.recoveries namespace=kept outcome=not_recovered: 2",
                "broker.recoveries namespace=kept outcome=nothing_missed: 1",
                "broker.recoveries namespace=kept outcome=recovered: 1",
            ],
            Measure(hub).Where(static each => each.Key.Contains("namespace=", StringComparison.Ordinal))
                .Select(static each => $"{each.Key}: {each.Value}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_end_of_a_connection_has_its_one_cause_and_a_code_that_no_client_makes_up()
    {
        End(FrameWriter.Close(CloseCode.Normal, "bye", 1));
        End(FrameWriter.Close((CloseCode)4999, "a name of mine", 1));
        End(FrameWriter.Frame(Opcode.Continuation, [], 1));
        End(HubClient.Frame("not a command"));

        Assert.Equal(
            [
                "broker.disconnects cause=closed_by_client code=1000 reason=normal: 1",
                "broker.disconnects cause=closed_by_client code=other reason=other: 1",
                "broker.disconnects cause=closed_by_server code=3501 reason=bad_request: 1",
                "broker.disconnects cause=violation code=1002 reason=protocol_error: 1",
            ],
            Lines("broker.disconnects"));
        Assert.Equal(0, Read()["broker.connections"]);

        void End(byte[] frame)
        {
            HubClient client = _hub.Connect();
            client.SendRaw(frame);
            client.NextClose();
            client.SendClose();
        }
    }

    [Fact]
    public void What_is_refused_is_counted_by_kind_and_cause()
    {
        Assert.ThrowsAny<Exception>(() => _hub.Dial(path: "/nothing"));
        NativeClient native = _hub.ConnectNative();
        HubClient json = _hub.Connect();
        native.Send(Subscribe(1, ""), Call(1, "no such method"), Chunk(1, 0, 0, []), Chunk(2, 7, 1, []));
        native.Next(4);
        json.Send("""{"id":2,"rpc":{"method":"no such method"}}""", """{"id":3,"history":{"channel":"a"}}""");
        json.NextLines(2);

        Assert.Equal(
            [
                "broker.rejects kind=call cause=unknown_method code=1: 2",
                "broker.rejects kind=handshake cause=not_found code=404: 1",
                "broker.rejects kind=request cause=bad_request code=107: 1",
                "broker.rejects kind=request cause=not_available code=108: 1",
                "broker.rejects kind=stream cause=index_out_of_range code=203: 1",
                "broker.rejects kind=stream cause=zero_total_chunks code=201: 1",
            ],
            Lines("broker.rejects"));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Each_call_has_one_outcome(bool isNative)
    {
        _hub.Methods.AddInline("well", static (_, result) => result.Write("1"u8));
        _hub.Methods.AddInline("badly", static (_, _) => throw new CallFaultException((FaultCode)1234, "a text of mine"));
        foreach (string method in (string[])["well", "well", "badly", "missing"])
        {
            if (isNative)
            {
                NativeClient client = _hub.ConnectNative();
                client.Send(Call(1, method));
                client.Next();
            }
            else
            {
                HubClient client = _hub.Connect();
                client.Send($$$"""{"id":2,"rpc":{"method":"{{{method}}}"}}""");
                client.NextLine();
            }
        }

        Assert.Equal(
            ["broker.calls outcome=ok: 2", "broker.calls outcome=other: 1", "broker.calls outcome=unknown_method: 1"],
                Lines("broker.calls"));
        Assert.Equal(["broker.rejects kind=call cause=unknown_method code=1: 1"], Lines("broker.rejects"));
    }

    [Fact]
    public void Bytes_that_a_socket_gave_back_are_counted_once_and_no_counter_goes_back()
    {
        var counters = new LoopCounters();
        counters.AddBytesSent(100);
        counters.RepeatBytes(60);
        Assert.Equal(100, counters.Read(LoopCount.BytesSent));

        counters.AddBytesSent(50);
        Assert.Equal(100, counters.Read(LoopCount.BytesSent));
        counters.AddBytesSent(30);
        Assert.Equal(120, counters.Read(LoopCount.BytesSent));
    }

    [Fact]
    public void Counting_allocates_nothing()
    {
        var counters = new LoopCounters();
        long bytes = Allocations.Least(() =>
        {
            counters.AddReceived(1, 5);
            counters.AddSent(1, 5);
            counters.Add(LoopCount.Publications);
            counters.AddBytesSent(10);
            counters.Calls.Add(3);
            counters.Requests.Add(4999);
        });

        Assert.Equal(0, bytes);
    }

    private string[] Lines(string name) =>
        [.. Read().Where(each => each.Key.StartsWith(name + " ", StringComparison.Ordinal))
            .Select(static each => $"{each.Key}: {each.Value}").Order(StringComparer.Ordinal)];

    private Dictionary<string, long> Read() => Measure(_hub);

    // By name, and by the tags behind it.
    private static Dictionary<string, long> Measure(HubHarness hub)
    {
        var measured = new List<KeyValuePair<string, long>>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listening) =>
            {
                if (instrument.Meter.Scope == hub.Counters) listening.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
            measured.Add(
                KeyValuePair.Create(
                    string.Join(' ', [instrument.Name, .. tags.ToArray().Select(static tag => $"{tag.Key}={tag.Value}")]), value)));
        listener.SetMeasurementEventCallback<int>(
            (instrument, value, _, _) => measured.Add(KeyValuePair.Create(instrument.Name, (long)value)));
        listener.Start();
        listener.RecordObservableInstruments();
        return measured.ToDictionary();
    }
}
