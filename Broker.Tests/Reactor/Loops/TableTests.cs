using Broker.Core.Framing;
using Broker.Reactor.Loops;
using Broker.Tests.Reactor.Sockets;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Reactor.Loops;

/// <summary>Ids, slots and descriptors over many connections. Alone, as it counts what the whole process holds open.</summary>
public abstract class TableTests(ReactorBackend backend) : BackendTest(backend)
{
    [Fact]
    public void An_id_finds_its_connection_and_never_the_next_in_its_slot()
    {
        using var harness = NewHarness();
        (LoopClient client, RecordingHandler first) = harness.Open();
        Assert.Same(first.Connection, harness.Loop.Find(first.Connection.Id));
        client.EndWriting();
        harness.Until(() => harness.Loop.Connections == 0);
        Assert.Null(harness.Loop.Find(first.Connection.Id));

        (_, RecordingHandler second) = harness.Open();
        Assert.Equal(first.Connection.Id.Slot, second.Connection.Id.Slot);
        Assert.NotEqual(first.Connection.Id, second.Connection.Id);
        Assert.Null(harness.Loop.Find(first.Connection.Id));
        Assert.Same(second.Connection, harness.Loop.Find(second.Connection.Id));
        Assert.Null(harness.Loop.Find(second.Connection.Id with { Loop = 4 }));
        Assert.Null(harness.Loop.Find(second.Connection.Id with { Slot = 100_000 }));
        Assert.Null(harness.Loop.Find(second.Connection.Id with { Slot = -1 }));
    }

    [Fact]
    public void More_connections_than_the_table_had_room_for_keep_their_ids()
    {
        using var harness = NewHarness();
        List<RecordingHandler> handlers = [.. Enumerable.Range(0, 1100).Select(_ => harness.Open().Handler)];

        Assert.Equal(1100, handlers.Select(handler => handler.Connection.Id).Distinct().Count());
        Assert.All(handlers, handler => Assert.Same(handler.Connection, harness.Loop.Find(handler.Connection.Id)));
    }

    [Fact]
    public void Ten_thousand_connections_later_nothing_is_left()
    {
        using var harness = NewHarness();
        harness.Acceptor.Attached = handler => handler.Received = RecordingHandler.Echo;
        int before = OpenSockets();
        byte[] request = LoopClient.Request();
        for (int i = 0; i < 10_000; i++)
        {
            using LoopClient client = harness.Connect();
            switch (i % 5)
            {
                case 0:
                    client.Write(Wire.Join(request, LoopClient.Text("Hello"), LoopClient.Close()));
                    client.TakeHead();
                    Assert.Equal(2, client.TakeFramesToEnd().Count);
                    break;
                case 1:
                    client.Write(Wire.Join(request, LoopClient.Text("Hello"), LoopClient.Text("cut").AsSpan(0, 5).ToArray()));
                    client.TakeHead();
                    break;
                case 2:
                    client.Write(request.AsSpan(0, 50));
                    harness.Loop.RunOnce(1);
                    break;
                case 3:
                    client.Write(LoopClient.Request("/nowhere"));
                    client.TakeHead();
                    break;
                default:
                    client.Write(request);
                    client.TakeHead();
                    harness.Acceptor.Handlers[^1].Connection.Close(CloseCode.Normal, "");
                    break;
            }

            // Without a wait state of the system's, which would run out of ports.
            client.Reset();
            harness.Until(() => harness.Loop.Connections == 0, "the end");
        }

        harness.AssertNothingLeft();
        Assert.Equal(10_000, harness.Acceptor.Ends.Count);
        Assert.All(harness.Acceptor.Handlers, handler => Assert.Single(handler.Ends));
        Assert.InRange(OpenSockets(), 0, before);
    }

    private static int OpenSockets()
    {
        // Sockets that earlier tests have left to the collector are not counted.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return new DirectoryInfo("/proc/self/fd").GetFiles()
            .Count(file => file.LinkTarget?.StartsWith("socket:", StringComparison.Ordinal) == true);
    }
}

/// <summary>Tests that run while no other does.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;

[Collection(nameof(AloneInTheProcess))]
public sealed class EpollTableTests() : TableTests(ReactorBackend.Epoll);

[Collection(nameof(AloneInTheProcess))]
public sealed class RingTableTests() : TableTests(ReactorBackend.IoUring);
