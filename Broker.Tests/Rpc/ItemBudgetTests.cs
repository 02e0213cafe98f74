using Broker.Actors.Calls;
using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Calls.Outbound;
using Broker.Actors.Model;
using Akka.Actor;
using Akka.Event;
using Broker.Actors.Sessions;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Xunit;

namespace Broker.Tests.Rpc;

/// <summary>Room for items, and the credit of a call: what is not said takes neither.</summary>
public sealed class ItemBudgetTests
{
    private static readonly ItemBounds s_bounds = new(new CallWindows(1, 1), UnreadBytesMax: 1);

    [Fact]
    public async Task Waiters_get_room_in_order_and_cancelled_ones_are_removed()
    {
        var budget = new ItemBudget(10);
        await budget.TakeAsync(10, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        Task one = budget.TakeAsync(10, CancellationToken.None).AsTask();
        Task[] leaving = [.. Enumerable.Range(0, 100).Select(_ => budget.TakeAsync(10, stop.Token).AsTask())];
        Task two = budget.TakeAsync(10, CancellationToken.None).AsTask();
        Assert.Equal(102, budget.Waiting);

        stop.Cancel();

        Assert.Equal(2, budget.Waiting);
        foreach (Task each in leaving) await Assert.ThrowsAnyAsync<OperationCanceledException>(() => each);
        budget.Return(10);
        await one;
        Assert.False(two.IsCompleted);
        budget.Return(10);
        await two;
        budget.Return(10);
        Assert.True(IsDone(budget.TakeAsync(1, CancellationToken.None)));
    }

    [Fact]
    public async Task A_cancelled_request_takes_nothing()
    {
        var budget = new ItemBudget(10);
        await budget.TakeAsync(10, CancellationToken.None);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => budget.TakeAsync(10, new CancellationToken(canceled: true)).AsTask());

        Assert.Equal(0, budget.Waiting);
        budget.Return(10);
        Assert.True(IsDone(budget.TakeAsync(10, CancellationToken.None)));
    }

    [Fact]
    public async Task A_result_that_waits_for_room_no_longer_gives_its_credit_back()
    {
        var room = new ItemBudget(1);
        RunningCall call = Running(room, resultBytesMax: 10);
        await room.TakeAsync(1, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        Task waits = call.SendAsync(new MemoryChunkSource(new byte[5]), stop.Token).AsTask();

        stop.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);
        room.Return(1);
        Assert.True(IsDone(call.SendAsync(new MemoryChunkSource(new byte[5]), CancellationToken.None)));
        Assert.False(IsDone(call.SendAsync(new byte[5])));
    }

    [Fact]
    public async Task A_result_that_is_too_long_is_refused_before_it_takes_credit()
    {
        RunningCall call = Running(new ItemBudget(100), resultBytesMax: 10);

        CallFaultException one = await Assert.ThrowsAsync<CallFaultException>(() => call.SendAsync(new byte[11]).AsTask());
        CallFaultException two =
            await Assert.ThrowsAsync<CallFaultException>(() => call.SendAsync(new Endless(), CancellationToken.None).AsTask());

        Assert.Equal((FaultCode.ResultTooBig, "an item of 11 bytes passes the 10 that the client takes"), (one.Code, one.Message));
        Assert.Equal((FaultCode.ResultTooBig, "an item of 8589934592 bytes passes the 10 that the client takes"), (two.Code, two.Message));
        Assert.True(IsDone(call.SendAsync(new byte[10])));
    }

    [Fact]
    public async Task An_argument_that_waits_for_room_no_longer_gives_its_credit_back()
    {
        var client = new CalledClient(ActorRefs.Nobody, new CallSettings(), s_bounds, TimeProvider.System, () => { });
        await using OpenedClientCall call =
            client.Open("add", default, CallOptions.MoreArguments, TimeSpan.FromHours(1), CancellationToken.None);
        await client.UnreadBudget.TakeAsync(1, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        Task waits = call.SendAsync(new byte[5], stop.Token).AsTask();

        stop.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);
        client.UnreadBudget.Return(1);
        Assert.True(IsDone(call.SendAsync(new byte[5])));
    }

    [Fact]
    public async Task A_call_without_further_arguments_has_no_items()
    {
        var client = new CalledClient(ActorRefs.Nobody, new CallSettings(), s_bounds, TimeProvider.System, () => { });
        await using OpenedClientCall call = client.Open("add", default, CallOptions.None, TimeSpan.FromHours(1), CancellationToken.None);

        InvalidOperationException why = await Assert.ThrowsAsync<InvalidOperationException>(() => call.SendAsync(new byte[5]).AsTask());

        Assert.Equal("The call was opened without further arguments.", why.Message);
    }

    private static bool IsDone(ValueTask task) => task.IsCompletedSuccessfully;

    private static RunningCall Running(ItemBudget room, int resultBytesMax) => new(
        1,
        static (_, _) => default,
        new MethodCall("many", default, new Principal("", "c")),
        new CallWindows(0, 1) { ResultBytesMax = resultBytesMax },
        room,
        ActorRefs.Nobody,
        NoLogger.Instance);

    private sealed class Endless : IChunkSource
    {
        public long Bytes => 1L << 33;

        public void CopyTo(long from, Span<byte> target) => throw new NotSupportedException();

        public void Dispose()
        {
        }
    }
}
