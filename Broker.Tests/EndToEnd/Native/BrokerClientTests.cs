using System.Threading.Channels;
using Broker.Client;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;
using Delivery = Broker.Client.Delivery;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>The .NET client against the real host process.</summary>
public sealed class BrokerClientTests : StoreHost
{
    [Fact]
    public async Task It_subscribes_publishes_and_receives_every_publication_in_order()
    {
        await using BrokerClient client = await ConnectAsync();
        await using BrokerClient other = await ConnectAsync();
        await using Subscription news = await client.SubscribeAsync("news");
        await using IAsyncEnumerator<Delivery> deliveries = news.GetAsyncEnumerator();

        var publishing = new List<Task<PublishReceipt>>();
        using (other.Batch())
        {
            for (int i = 0; i < 1000; i++) publishing.Add(other.PublishAsync("news", Bytes($"{i}")));
        }

        for (int i = 0; i < 1000; i++)
        {
            Delivery delivery = await NextAsync(deliveries);
            Assert.Equal(($"{i}", (ulong)i + 1, Gap.None), (Text(delivery.Data), delivery.Offset, delivery.GapBefore));
        }

        PublishReceipt[] receipts = await Task.WhenAll(publishing).WaitAsync(Patience);
        Assert.Equal(Enumerable.Range(1, 1000).Select(i => new PublishReceipt((ulong)i, 1)), receipts);
    }

    [Fact]
    public async Task A_rejected_subscription_has_a_reason_and_the_connection_lives()
    {
        await using BrokerClient client = await ConnectAsync();

        RequestRejectedException refused =
            await Assert.ThrowsAsync<RequestRejectedException>(() => client.SubscribeAsync("a token is not known here", Bytes("token")));

        Assert.Equal(108, refused.Code);
        Assert.Equal(0, (await client.PublishAsync("anyone", Bytes("there?"))).Receivers);
    }

    [Fact]
    public async Task Many_calls_at_once_each_get_their_own_answer_and_an_unknown_method_its_fault()
    {
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        KeyChange[] changes = [.. Enumerable.Range(0, 500).Select(i => new KeyChange(Bytes($"{i}"), Bytes($"value of {i}")))];
        await store.WriteAsync(changes, Durability.Memory);

        ReadOnlyMemory<byte>?[] values =
            await Task.WhenAll(Enumerable.Range(0, 500).Select(i => store.ReadAsync(Bytes($"{i}")))).WaitAsync(Patience);
        CallFailedException unknown = await Assert.ThrowsAsync<CallFailedException>(() => client.CallAsync("no such method", default));

        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"value of {i}"), values.Select(Text));
        Assert.Equal(FaultCode.UnknownMethod, unknown.Code);
    }

    [Fact]
    public async Task What_is_cancelled_ends_at_once_and_the_connection_lives()
    {
        await using BrokerClient client = await ConnectAsync();
        using var cancel = new CancellationTokenSource();
        Task<ReadOnlyMemory<byte>> call;
        Task<PublishReceipt> publishing;
        using (client.Batch())
        {
            call = client.CallAsync(StoreMethods.Length, default, cancellationToken: cancel.Token);
            publishing = client.PublishAsync("news", Bytes("x"), cancellationToken: cancel.Token);
            await cancel.CancelAsync();
        }

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => publishing);
        Assert.True(await new StoreClient(client).IsEmptyAsync());
    }

    [Fact]
    public async Task A_call_whose_time_is_over_fails_with_that()
    {
        await using BrokerClient client = await ConnectAsync();
        Task<ReadOnlyMemory<byte>> call;

        // It cannot leave before its time is over.
        using (client.Batch())
        {
            call = client.CallAsync(StoreMethods.Length, default, new CallSettings { Deadline = TimeSpan.FromMilliseconds(20) });
            CallFailedException late = await Assert.ThrowsAsync<CallFailedException>(() => call.WaitAsync(Patience));
            Assert.Equal(FaultCode.Deadline, late.Code);
        }

        Assert.True(await new StoreClient(client).IsEmptyAsync());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task It_comes_back_after_a_restart_and_its_subscriptions_go_on(bool graceful)
    {
        await using BrokerClient client = await BrokerClient.ConnectAsync(
            new BrokerClientOptions { Url = Host.NativeUri, BackoffMin = TimeSpan.FromMilliseconds(50),
                BackoffMax = TimeSpan.FromSeconds(1) });
        var states = Channel.CreateUnbounded<ClientState>();
        int endedWith = 0;       // The first time; each attempt that fails meanwhile is an ending, too.
        client.StateChanged += state =>
        {
            if (endedWith == 0) endedWith = client.LastClose.Code;
            states.Writer.TryWrite(state);
        };
        await using Subscription news = await client.SubscribeAsync("news");
        await using IAsyncEnumerator<Delivery> deliveries = news.GetAsyncEnumerator();
        await client.PublishAsync("news", Bytes("before"));
        Assert.Equal("before", Text((await NextAsync(deliveries)).Data));

        if (graceful) await Host.StopAsync();
        else await Host.CrashAsync();
        await AwaitAsync(ClientState.Waiting);
        await Assert.ThrowsAsync<ConnectionLostException>(() => client.PublishAsync("news", Bytes("into nothing")));
        Assert.Equal(graceful ? 3001 : 1006, endedWith);
        await Host.StartAgainAsync();
        await AwaitAsync(ClientState.Connected);

        // The subscription is asked for in the same turn as the connection is back; its place among the requests is not known.
        await using BrokerClient other = await ConnectAsync();
        while ((await other.PublishAsync("news", Bytes("after"))).Receivers == 0) await Task.Yield();
        Delivery after = await NextAsync(deliveries);
        Assert.Equal(("after", Gap.Possible), (Text(after.Data), after.GapBefore));

        async Task AwaitAsync(ClientState state)
        {
            while (await states.Reader.ReadAsync().AsTask().WaitAsync(Patience) != state)
            {
            }
        }
    }

    private static async Task<Delivery> NextAsync(IAsyncEnumerator<Delivery> deliveries)
    {
        Assert.True(await deliveries.MoveNextAsync().AsTask().WaitAsync(Patience));
        return deliveries.Current;
    }
}
