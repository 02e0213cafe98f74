using Broker.Client;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;

namespace Broker.Tests.Client;

/// <summary>Calls of the hub with further arguments and several results, as the client answers them.</summary>
public sealed class AnsweredItemsTests : ClientTest
{
    private const uint Id = 0x8000_0000;

    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task A_method_reads_items_and_sends_results_before_the_last()
    {
        await ConnectAsync(async (call, cancellationToken) =>
        {
            byte sum = call.Arguments.Span[0];
            await foreach (ReadOnlyMemory<byte> item in call.Items)
            {
                sum += item.Span[0];
                await call.SendAsync(new[] { sum }, cancellationToken);
            }

            return new[] { (byte)(sum * 2) };
        });

        await Side.SendAsync(
            CallOf([1], CallOptions.MoreArguments), ItemOf(2), ItemOf(3), NativeWriter.Message(new CallItemsEnd { Id = Id }));

        Assert.Equal(3, Read(await Side.ReceiveAsync(), message => message.As<CallItem>().Data[0]));
        Assert.Equal(6, Read(await Side.ReceiveAsync(), message => message.As<CallItem>().Data[0]));
        Assert.Equal(12, Read(await Side.ReceiveAsync(), message => message.As<CallResult>().Data[0]));
    }

    [Fact]
    public async Task Results_wait_for_the_hubs_credit()
    {
        int sent = 0;
        await ConnectAsync(
            async (call, cancellationToken) =>
            {
                for (; sent < 3; sent++) await call.SendAsync(new[] { (byte)sent }, cancellationToken);
                return default;
            },
            limits: NativeLimits.Default with { WindowItems = 2 });

        await Side.SendAsync(CallOf([]));
        await Side.ReceiveAsync();
        await Side.ReceiveAsync();
        Task<TimeSpan> ping = Client.PingAsync();
        Assert.Equal(NativeKind.Ping, HubSide.KindOf(await Side.ReceiveAsync()));      // And not the third.
        await Side.SendAsync(NativeWriter.Message(new Credit { Scope = CreditScope.Call, Id = Id, Count = 1 }));

        Assert.Equal(2, Read(await Side.ReceiveAsync(), message => message.As<CallItem>().Data[0]));
        Assert.Equal(NativeKind.Result, HubSide.KindOf(await Side.ReceiveAsync()));
        Assert.False(ping.IsCompleted);
    }

    [Fact]
    public async Task The_hub_gets_credit_as_the_method_reads()
    {
        var read = new SemaphoreSlim(0);
        await ConnectAsync(async (call, cancellationToken) =>
        {
            await foreach (ReadOnlyMemory<byte> _ in call.Items) await read.WaitAsync(cancellationToken);
            return default;
        });

        await Side.SendAsync([CallOf([], CallOptions.MoreArguments), .. Enumerable.Range(0, 8).Select(i => ItemOf((byte)i))]);
        read.Release(4);

        Assert.Equal(NativeWriter.Message(new Credit { Scope = CreditScope.Call, Id = Id, Count = 4 }), await Side.ReceiveAsync());
        read.Release(8);
        Assert.Equal(NativeWriter.Message(new Credit { Scope = CreditScope.Call, Id = Id, Count = 4 }), await Side.ReceiveAsync());
        await Side.SendAsync(NativeWriter.Message(new CallItemsEnd { Id = Id }));
        Assert.Equal(NativeKind.Result, HubSide.KindOf(await Side.ReceiveAsync()));
    }

    [Theory]
    [InlineData(9, false, "an item without credit, or behind the last one")]
    [InlineData(1, true, "an item without credit, or behind the last one")]
    public async Task An_item_without_credit_or_behind_the_end_ends_the_call(int items, bool ended, string text)
    {
        await ConnectAsync(WaitAsync);
        byte[][] sent = [.. Enumerable.Range(0, items).Select(i => ItemOf((byte)i))];

        await Side.SendAsync(ended
            ? [CallOf([], CallOptions.MoreArguments), NativeWriter.Message(new CallItemsEnd { Id = Id }), .. sent]
            : [CallOf([], CallOptions.MoreArguments), .. sent]);

        Assert.Equal((FaultCode.BadArguments, text), await ReceiveFaultAsync());
        await _over.Task.WaitAsync(ScriptedHub.Patience);
    }

    [Fact]
    public async Task Items_of_a_call_that_has_none_end_it()
    {
        await ConnectAsync(WaitAsync);

        await Side.SendAsync(CallOf([]), ItemOf(1));

        Assert.Equal(FaultCode.BadArguments, (await ReceiveFaultAsync()).Code);
        await _over.Task.WaitAsync(ScriptedHub.Patience);
    }

    [Fact]
    public async Task Arguments_that_no_method_reads_are_bounded_in_bytes()
    {
        await ConnectAsync(WaitAsync, Options with { DownloadBytesMax = 1000 });

        await Side.SendAsync(CallOf([], CallOptions.MoreArguments), ItemOf(1, new byte[900]), ItemOf(1, new byte[200]));
        Assert.Equal((FaultCode.Overloaded, "arguments of too many bytes are pending"), await ReceiveFaultAsync());

        await Side.SendAsync(
            CallOf([], CallOptions.MoreArguments), ItemOf(1, new byte[900]), NativeWriter.Message(new CallCancel { Id = Id }));
        Assert.Equal(FaultCode.Cancelled, (await ReceiveFaultAsync()).Code);
    }

    [Fact]
    public async Task A_cancelled_call_ends_its_method_wherever_it_waits()
    {
        await ConnectAsync(async (call, _) =>
        {
            try
            {
                while (true) await call.SendAsync(new byte[1], CancellationToken.None);
            }
            catch (OperationCanceledException)
            {
                _over.TrySetResult();
                throw;
            }
        });
        await Side.SendAsync(CallOf([]));
        for (int i = 0; i < 8; i++) Assert.Equal(NativeKind.Item, HubSide.KindOf(await Side.ReceiveAsync()));

        await Side.SendAsync(NativeWriter.Message(new CallCancel { Id = Id }), ItemOf(1));

        Assert.Equal(FaultCode.Cancelled, (await ReceiveFaultAsync()).Code);
        await _over.Task.WaitAsync(ScriptedHub.Patience);
    }

    [Fact]
    public async Task An_oversized_result_item_throws_in_the_method()
    {
        await ConnectAsync(
            async (call, cancellationToken) =>
            {
                PayloadTooLargeException tooLarge =
                    await Assert.ThrowsAsync<PayloadTooLargeException>(
                        () => call.SendAsync(new byte[call.ItemBytesMax + 1], cancellationToken).AsTask());
                return System.Text.Encoding.UTF8.GetBytes(tooLarge.Message);
            });

        await Side.SendAsync(CallOf([]));

        Assert.StartsWith(
            "An item of ", Read(await Side.ReceiveAsync(), message => System.Text.Encoding.UTF8.GetString(message.As<CallResult>().Data)),
                StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_used_after_its_method_throws()
    {
        HubCall? kept = null;
        Task sending = Task.CompletedTask;
        await ConnectAsync(
            (call, _) =>
            {
                kept = call;
                sending = SendTwiceAsync(call);
                return default;
            },
            limits: NativeLimits.Default with { WindowItems = 1 });

        await Side.SendAsync(CallOf([], CallOptions.MoreArguments));
        Assert.Equal(NativeKind.Item, HubSide.KindOf(await Side.ReceiveAsync()));
        Assert.Equal(NativeKind.Result, HubSide.KindOf(await Side.ReceiveAsync()));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending.WaitAsync(ScriptedHub.Patience));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => kept!.SendAsync(new byte[1]).AsTask().WaitAsync(ScriptedHub.Patience));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ReadAllAsync().WaitAsync(ScriptedHub.Patience));

        async Task ReadAllAsync()
        {
            await foreach (ReadOnlyMemory<byte> _ in kept!.Items) Assert.Fail("There is nothing.");
        }

        static async Task SendTwiceAsync(HubCall call)
        {
            await call.SendAsync(new byte[1]);
            await call.SendAsync(new byte[1]);
        }
    }

    [Fact]
    public async Task A_result_waits_for_room_and_for_no_batch()
    {
        await ConnectAsync(static (_, _) => new(new byte[300]), Options with { SendBytesMax = 2000 });
        using (Client.Batch())
        {
            _ = Client.PublishAsync("news", new byte[1800]);
            await Side.SendAsync(CallOf([]));

            Assert.Equal(NativeKind.Publish, HubSide.KindOf(await Side.ReceiveAsync()));
            Assert.Equal(300, Read(await Side.ReceiveAsync(), message => message.As<CallResult>().Data.Length));
        }
    }

    [Fact]
    public async Task The_longest_deadline_of_the_wire_is_one()
    {
        await ConnectAsync(static (_, _) => default);

        await Side.SendAsync(
            NativeWriter.Message(new Call { Id = Id, Method = MethodId.Of("method"), DeadlineMilliseconds = uint.MaxValue }));

        Assert.Equal(NativeKind.Result, HubSide.KindOf(await Side.ReceiveAsync()));
    }

    [Fact]
    public async Task A_method_that_breaks_is_answered_whatever_the_listeners_throw()
    {
        var methods = new ClientMethods();
        var received = new TaskCompletionSource<string>();
        methods.Failed += (_, _) => throw new InvalidOperationException("the log is full");
        methods.Failed += (name, _) => received.TrySetResult(name);
        methods.Add("method", static (_, _) => throw new InvalidOperationException("broken"));
        await ConnectAsync(Options with { Methods = methods });

        await Side.SendAsync(CallOf([]));

        Assert.Equal(FaultCode.Internal, (await ReceiveFaultAsync()).Code);
        Assert.Equal("method", await received.Task.WaitAsync(ScriptedHub.Patience));
    }

    [Fact]
    public async Task The_text_of_a_fault_is_cut_to_what_people_read()
    {
        await ConnectAsync(static (_, _) => throw new CallFailedException("method", FaultCode.Failed, new string('ü', 600_000)));

        await Side.SendAsync(CallOf([]));

        Assert.Equal((FaultCode.Failed, new string('ü', 2048)), await ReceiveFaultAsync());
    }

    private Task ConnectAsync(ClientItemsMethod method, BrokerClientOptions? options = null, NativeLimits? limits = null)
    {
        var methods = new ClientMethods();
        methods.AddWithItems("method", method);
        return ConnectAsync((options ?? Options) with { Methods = methods }, limits);
    }

    private async ValueTask<ReadOnlyMemory<byte>> WaitAsync(HubCall call, CancellationToken cancellationToken)
    {
        try
        {
            await Cancelled.WhenAsync(cancellationToken);
        }
        finally
        {
            _over.TrySetResult();
        }

        return default;
    }

    private async Task<(FaultCode Code, string Text)> ReceiveFaultAsync() =>
        Read(await Side.ReceiveAsync(),
            fault => (fault.As<CallFault>().Code, System.Text.Encoding.UTF8.GetString(fault.As<CallFault>().Text)));

    private static byte[] CallOf(byte[] arguments, CallOptions options = CallOptions.None) =>
        NativeWriter.Message(new Call { Id = Id, Method = MethodId.Of("method"), Options = options, Arguments = arguments });

    private static byte[] ItemOf(byte first, byte[]? data = null) => NativeWriter.Message(new CallItem { Id = Id, Data = data ?? [first] });
}
