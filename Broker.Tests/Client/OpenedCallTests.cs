using Broker.Client;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;

namespace Broker.Tests.Client;

public sealed class OpenedCallTests : ClientTest
{
    [Fact]
    public async Task Results_are_enumerated_in_order_and_the_hub_gets_credit_as_they_are_read()
    {
        await ConnectAsync();
        await using OpenedCall call = Client.OpenCall("many", "x"u8.ToArray());
        Assert.Equal(Call.Kind, (NativeKind)(await Side.ReceiveAsync())[0]);
        await using IAsyncEnumerator<ReadOnlyMemory<byte>> results = call.GetAsyncEnumerator();

        for (byte i = 0; i < 8; i++) await Side.SendAsync(ItemOf(i));
        for (byte i = 0; i < 5; i++) Assert.Equal(i, (await NextAsync(results)).Span[0]);
        Assert.Equal(
            (CreditScope.Call, 1u, 4u),
                Read(await Side.ReceiveAsync(),
                    message => (message.As<Credit>().Scope, message.As<Credit>().Id, message.As<Credit>().Count)));
        await Side.SendAsync(ItemOf(8), NativeWriter.Message(new CallResult { Id = 1, Data = "end"u8 }));
        for (byte i = 5; i < 9; i++) Assert.Equal(i, (await NextAsync(results)).Span[0]);

        Assert.False(await results.MoveNextAsync().AsTask().WaitAsync(ScriptedHub.Patience));
        Assert.Equal("end"u8.ToArray(), (await call.Result.WaitAsync(ScriptedHub.Patience)).ToArray());
    }

    [Fact]
    public async Task With_a_window_of_one_item_each_is_granted_as_it_is_read()
    {
        await ConnectAsync(Options with { ItemsWindow = 1 });
        await using OpenedCall call = Client.OpenCall("many", default);
        await Side.ReceiveAsync();
        await using IAsyncEnumerator<ReadOnlyMemory<byte>> results = call.GetAsyncEnumerator();

        await Side.SendAsync(ItemOf(0));
        Assert.Equal(0, (await NextAsync(results)).Span[0]);
        Task<ReadOnlyMemory<byte>> second = NextAsync(results);
        Assert.Equal(NativeWriter.Message(new Credit { Scope = CreditScope.Call, Id = 1, Count = 1 }), await Side.ReceiveAsync());
        await Side.SendAsync(ItemOf(1), ItemOf(2));

        await Assert.ThrowsAsync<BrokerException>(() => call.Result.WaitAsync(ScriptedHub.Patience));
        Assert.Equal(1, (await second).Span[0]);
    }

    [Fact]
    public async Task Arguments_wait_for_the_hubs_credit()
    {
        await ConnectAsync(limits: NativeLimits.Default with { WindowItems = 2 });
        await using OpenedCall call = Client.OpenCall("many", default, sendsItems: true);
        Assert.Equal(CallOptions.MoreArguments, Read(await Side.ReceiveAsync(), message => message.As<Call>().Options));

        await call.SendAsync(new byte[] { 0 });
        await call.SendAsync(new byte[] { 1 });
        Task third = call.SendAsync(new byte[] { 2 }).AsTask();
        await Side.ReceiveAsync();
        await Side.ReceiveAsync();
        Assert.False(third.IsCompleted);
        await Side.SendAsync(NativeWriter.Message(new Credit { Scope = CreditScope.Call, Id = 1, Count = 1 }));
        await third.WaitAsync(ScriptedHub.Patience);
        call.EndArguments();

        Assert.Equal(2, (await Side.ReceiveAsync())[^1]);
        Assert.Equal(Wire.Bytes("25 04000000 01000000"), await Side.ReceiveAsync());
    }

    [Fact]
    public async Task A_fault_ends_the_enumeration_and_the_sender()
    {
        await ConnectAsync(limits: NativeLimits.Default with { WindowItems = 1 });
        await using OpenedCall call = Client.OpenCall("many", default, sendsItems: true);
        await call.SendAsync(new byte[] { 0 });
        Task waiting = call.SendAsync(new byte[] { 1 }).AsTask();
        await Side.SendAsync(ItemOf(7), NativeWriter.Message(new CallFault { Id = 1, Code = FaultCode.Failed, Text = "no more"u8 }));
        await using IAsyncEnumerator<ReadOnlyMemory<byte>> results = call.GetAsyncEnumerator();

        Assert.Equal(7, (await NextAsync(results)).Span[0]);
        Assert.Equal(
            FaultCode.Failed,
                (await Assert.ThrowsAsync<CallFailedException>(
                    () => results.MoveNextAsync().AsTask().WaitAsync(ScriptedHub.Patience))).Code);
        Assert.Equal(FaultCode.Failed, (await Assert.ThrowsAsync<CallFailedException>(() => waiting.WaitAsync(ScriptedHub.Patience))).Code);
    }

    [Fact]
    public async Task Leaving_the_enumeration_cancels_the_call()
    {
        await ConnectAsync();
        Task leaving = LeaveAsync();
        await Side.ReceiveAsync();
        await Side.SendAsync(ItemOf(0));
        await leaving.WaitAsync(ScriptedHub.Patience);

        Assert.Equal(Wire.Bytes("23 04000000 01000000"), await Side.ReceiveAsync());

        async Task LeaveAsync()
        {
            await foreach (ReadOnlyMemory<byte> _ in Client.StreamAsync("many")) break;
        }
    }

    [Fact]
    public async Task Unexpected_or_uncredited_items_fail_the_call_at_the_hub()
    {
        await ConnectAsync();
        Task<ReadOnlyMemory<byte>> plain = Client.CallAsync("many", default);
        await Side.ReceiveAsync();
        await Side.SendAsync(ItemOf(0));
        BrokerException several = await Assert.ThrowsAsync<BrokerException>(() => plain.WaitAsync(ScriptedHub.Patience));
        Assert.Contains("several results", several.Message, StringComparison.Ordinal);
        Assert.Equal(Wire.Bytes("23 04000000 01000000"), await Side.ReceiveAsync());

        await using OpenedCall call = Client.OpenCall("many");
        await Side.ReceiveAsync();
        await Side.SendAsync(
            [.. Enumerable.Range(0, 9).Select(i => NativeWriter.Message(new CallItem { Id = 2, Data = new[] { (byte)i } }))]);
        await Assert.ThrowsAsync<BrokerException>(() => call.Result.WaitAsync(ScriptedHub.Patience));
        Assert.Equal(Wire.Bytes("23 04000000 02000000"), await Side.ReceiveAsync());
    }

    [Fact]
    public async Task An_unsent_argument_returns_its_credit()
    {
        await ConnectAsync(limits: NativeLimits.Default with { WindowItems = 2 });
        await using OpenedCall call = Client.OpenCall("many", default, sendsItems: true);
        await Side.ReceiveAsync();
        for (int i = 0; i < 3; i++)
            await Assert.ThrowsAsync<PayloadTooLargeException>(() => call.SendAsync(new byte[call.ItemBytesMax + 1]).AsTask());

        await call.SendAsync(new byte[] { 0 });
        await call.SendAsync(new byte[] { 1 });

        Assert.Equal(0, (await Side.ReceiveAsync())[^1]);
        Assert.Equal(1, (await Side.ReceiveAsync())[^1]);
    }

    [Fact]
    public async Task Arguments_wait_for_room_and_what_the_hub_waits_for_needs_none()
    {
        await ConnectAsync(Options with { SendBytesMax = 1000 });
        await using OpenedCall call = Client.OpenCall("many", default, sendsItems: true);
        await Side.ReceiveAsync();
        await using IAsyncEnumerator<ReadOnlyMemory<byte>> results = call.GetAsyncEnumerator();
        using (Client.Batch())
        {
            _ = Client.PublishAsync("news", new byte[900]);
            Assert.Throws<QueueFullException>(() => Client.PublishAsync("news", new byte[200]).GetAwaiter().GetResult());

            // What waits leaves in spite of the batch, as a caller waits for room; and later, as the hub waits for credit.
            await call.SendAsync(new byte[200]).AsTask().WaitAsync(ScriptedHub.Patience);
            Assert.Equal(NativeKind.Publish, HubSide.KindOf(await Side.ReceiveAsync()));
            _ = Client.PublishAsync("news", new byte[600]);
            for (byte i = 0; i < 5; i++) await Side.SendAsync(ItemOf(i));
            for (byte i = 0; i < 5; i++) Assert.Equal(i, (await NextAsync(results)).Span[0]);
            Assert.Equal(NativeKind.Item, HubSide.KindOf(await Side.ReceiveAsync()));
            Assert.Equal(NativeKind.Publish, HubSide.KindOf(await Side.ReceiveAsync()));
            Assert.Equal(NativeWriter.Message(new Credit { Scope = CreditScope.Call, Id = 1, Count = 4 }), await Side.ReceiveAsync());
        }
    }

    [Fact]
    public async Task A_batch_does_not_keep_the_arguments_whose_credit_is_waited_for()
    {
        await ConnectAsync(limits: NativeLimits.Default with { WindowItems = 1 });
        await using OpenedCall call = Client.OpenCall("many", default, sendsItems: true);
        await Side.ReceiveAsync();
        using (Client.Batch())
        {
            await call.SendAsync(new byte[] { 0 });
            Task second = call.SendAsync(new byte[] { 1 }).AsTask();
            Assert.Equal(0, (await Side.ReceiveAsync())[^1]);
            await Side.SendAsync(NativeWriter.Message(new Credit { Scope = CreditScope.Call, Id = 1, Count = 1 }));
            await second.WaitAsync(ScriptedHub.Patience);
        }

        Assert.Equal(1, (await Side.ReceiveAsync())[^1]);
    }

    [Fact]
    public async Task Sending_an_item_into_a_call_without_items_throws()
    {
        await ConnectAsync();
        await using OpenedCall call = Client.OpenCall("many");

        await Assert.ThrowsAsync<InvalidOperationException>(() => call.SendAsync(new byte[1]).AsTask());
        call.EndArguments();

        Assert.Equal(Call.Kind, HubSide.KindOf(await Side.ReceiveAsync()));
        Task<TimeSpan> ping = Client.PingAsync();
        Assert.Equal(NativeKind.Ping, HubSide.KindOf(await Side.ReceiveAsync()));
        Assert.False(ping.IsCompleted);
    }

    [Fact]
    public async Task Leaving_the_enumeration_waits_for_the_items_being_sent()
    {
        await ConnectAsync();
        bool isDisposed = false;
        Task leaving = LeaveAsync();
        await Side.ReceiveAsync();
        await Side.SendAsync(ItemOf(0));
        await leaving.WaitAsync(ScriptedHub.Patience);

        Assert.True(isDisposed);

        async Task LeaveAsync()
        {
            await foreach (ReadOnlyMemory<byte> _ in Client.StreamAsync("many", items: ForEverAsync())) break;
        }

        async IAsyncEnumerable<ReadOnlyMemory<byte>> ForEverAsync(
            [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            try
            {
                await Cancelled.WhenAsync(cancellationToken);
                yield break;
            }
            finally
            {
                isDisposed = true;
            }
        }
    }

    [Fact]
    public async Task Items_that_fail_fail_their_call_with_the_reason()
    {
        await ConnectAsync();
        InvalidOperationException broken = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
        {
            await foreach (ReadOnlyMemory<byte> _ in Client.StreamAsync("many", items: BrokenAsync())) Assert.Fail("There is nothing.");
        });

        Assert.Equal("no more paper", broken.Message);
        Assert.Equal(Call.Kind, HubSide.KindOf(await Side.ReceiveAsync()));
        Assert.Equal(NativeKind.Item, HubSide.KindOf(await Side.ReceiveAsync()));
        Assert.Equal(NativeKind.Cancel, HubSide.KindOf(await Side.ReceiveAsync()));

        static async IAsyncEnumerable<ReadOnlyMemory<byte>> BrokenAsync()
        {
            yield return new byte[1];
            await Task.Yield();
            throw new InvalidOperationException("no more paper");
        }
    }

    [Theory, InlineData(0), InlineData(-2)]
    public async Task A_deadline_that_is_over_is_refused(int milliseconds)
    {
        await ConnectAsync();
        var settings = new CallSettings { Deadline = TimeSpan.FromMilliseconds(milliseconds) };

        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Client.CallAsync("many", default, settings));
    }

    [Theory]
    [InlineData(-1, 0)]
    [InlineData(long.MaxValue, 0)]
    [InlineData(uint.MaxValue + 1L, uint.MaxValue)]
    public async Task An_infinite_deadline_is_zero_and_an_oversized_one_is_the_maximum(long milliseconds, uint reported)
    {
        await ConnectAsync();
        TimeSpan deadline = milliseconds == long.MaxValue ? TimeSpan.MaxValue : TimeSpan.FromMilliseconds(milliseconds);
        Task<ReadOnlyMemory<byte>> calling = Client.CallAsync("many", default, new CallSettings { Deadline = deadline });

        Assert.Equal(reported, Read(await Side.ReceiveAsync(), message => message.As<Call>().DeadlineMilliseconds));
        Time.Advance(TimeSpan.FromDays(1));
        await Side.SendAsync(NativeWriter.Message(new CallResult { Id = 1 }));
        Assert.Equal(0, (await calling.WaitAsync(ScriptedHub.Patience)).Length);
    }

    [Fact]
    public async Task A_lost_connection_fails_every_part_of_the_call()
    {
        await ConnectAsync();
        await using OpenedCall call = Client.OpenCall("many", default, sendsItems: true);
        await Side.ReceiveAsync();
        Side.Abort();

        await Assert.ThrowsAsync<ConnectionLostException>(() => call.Result.WaitAsync(ScriptedHub.Patience));
        await Assert.ThrowsAsync<ConnectionLostException>(async () => await call.SendAsync(new byte[1]));
        await using IAsyncEnumerator<ReadOnlyMemory<byte>> results = call.GetAsyncEnumerator();
        await Assert.ThrowsAsync<ConnectionLostException>(async () => await results.MoveNextAsync());
    }

    private static byte[] ItemOf(byte number) => NativeWriter.Message(new CallItem { Id = 1, Data = [number] });

    private static async Task<ReadOnlyMemory<byte>> NextAsync(IAsyncEnumerator<ReadOnlyMemory<byte>> results)
    {
        Assert.True(await results.MoveNextAsync().AsTask().WaitAsync(ScriptedHub.Patience));
        return results.Current;
    }
}
