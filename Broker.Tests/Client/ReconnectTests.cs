using Broker.Client;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Delivery = Broker.Client.Delivery;

namespace Broker.Tests.Client;

public sealed class ReconnectTests : ClientTest
{
    [Fact]
    public async Task A_subscription_continues_after_a_reconnect_with_a_possible_gap()
    {
        await ConnectAsync();
        Subscription news = await SubscribeAsync();
        await using IAsyncEnumerator<Delivery> deliveries = news.GetAsyncEnumerator();
        await Side.SendAsync(DeliveryOf(0, "one"), DeliveryOf(0, "two"));
        Assert.Equal("one"u8.ToArray(), (await NextAsync(deliveries)).Data.ToArray());
        Assert.Equal(Gap.None, (await NextAsync(deliveries)).GapBefore);

        Side.Abort();
        await ReconnectAsync();
        (uint request, SubscribeOptions options) =
            Read(await Side.ReceiveAsync(), message => (message.As<Subscribe>().Request, message.As<Subscribe>().Options));
        await Side.SendAsync(
            NativeWriter.Message(new Subscribed { Request = request, Channel = 7 }), DeliveryOf(0, "three"), DeliveryOf(0, "four"));
        Delivery third = await NextAsync(deliveries);

        Assert.Equal(SubscribeOptions.None, options);
        Assert.Equal("three"u8.ToArray(), third.Data.ToArray());
        Assert.Equal(Gap.Possible, third.GapBefore);
        Assert.Equal(Gap.None, (await NextAsync(deliveries)).GapBefore);
    }

    [Theory]
    [InlineData(SubscribedState.Recoverable | SubscribedState.Recovered, 9, 13, Gap.None)]
    [InlineData(SubscribedState.Recoverable, 9, 12, Gap.None)]
    [InlineData(SubscribedState.Recoverable, 9, 13, Gap.Possible)]
    [InlineData(SubscribedState.Recoverable, 10, 12, Gap.Possible)]
    public async Task A_channel_with_a_history_is_asked_for_what_was_missed(SubscribedState state, ulong epoch, ulong offset, Gap gap)
    {
        await ConnectAsync();
        Subscription news = await SubscribeAsync(SubscribedState.Recoverable, epoch: 9, offset: 11);
        await using IAsyncEnumerator<Delivery> deliveries = news.GetAsyncEnumerator();
        await Side.SendAsync(DeliveryOf(12, "last"));
        await NextAsync(deliveries);

        Side.Abort();
        await ReconnectAsync();
        (uint Request, SubscribeOptions Options, ulong Epoch, ulong Offset) asked = Read(await Side.ReceiveAsync(), message =>
        {
            Subscribe subscribe = message.As<Subscribe>();
            return (subscribe.Request, subscribe.Options, subscribe.Epoch, subscribe.Offset);
        });
        await Side.SendAsync(
            NativeWriter.Message(new Subscribed { Request = asked.Request, Channel = 7, State = state, Epoch = epoch, Offset = offset }),
            DeliveryOf(offset + 1, "next"));

        Assert.Equal((SubscribeOptions.Recover, 9ul, 12ul), (asked.Options, asked.Epoch, asked.Offset));
        Assert.Equal(gap, (await NextAsync(deliveries)).GapBefore);
    }

    [Fact]
    public async Task What_the_hub_will_not_deliver_is_counted_and_what_comes_twice_is_given_once()
    {
        await ConnectAsync();
        Subscription news = await SubscribeAsync(SubscribedState.Recoverable, epoch: 9, offset: 1);
        await using IAsyncEnumerator<Delivery> deliveries = news.GetAsyncEnumerator();
        await Side.SendAsync(
            DeliveryOf(2, "two"),
            DeliveryOf(2, "two again"),
            NativeWriter.Message(new Missed { Channel = 7, Offset = 3, Count = 4 }),
            DeliveryOf(7, "seven"));

        Assert.Equal(2ul, (await NextAsync(deliveries)).Offset);
        Delivery seventh = await NextAsync(deliveries);
        Assert.Equal((7ul, Gap.Certain, 4ul), (seventh.Offset, seventh.GapBefore, seventh.Missed));
    }

    [Fact]
    public async Task An_interrupted_long_delivery_is_recovered_despite_later_ones()
    {
        await ConnectAsync();
        Subscription news = await SubscribeAsync(SubscribedState.Recoverable, epoch: 9, offset: 1);
        await using IAsyncEnumerator<Delivery> deliveries = news.GetAsyncEnumerator();
        byte[] two = DeliveryOf(2, new string('2', 600_000));
        await Side.SendAsync(
            NativeWriter.Message(new StreamHeader { Stream = 0, Bytes = (ulong)two.Length }),
            NativeWriter.Message(new Chunk { Stream = 0, Index = 0, Total = 3, Data = two.AsSpan(0, 262_144) }),
            DeliveryOf(3, "three"));
        Assert.Equal(3ul, (await NextAsync(deliveries)).Offset);

        Side.Abort();
        await ReconnectAsync();
        (uint Request, ulong Offset) asked =
            Read(await Side.ReceiveAsync(), message => (message.As<Subscribe>().Request, message.As<Subscribe>().Offset));
        await Side.SendAsync(
            NativeWriter.Message(
                new Subscribed { Request = asked.Request, Channel = 8, State = SubscribedState.Recoverable | SubscribedState.Recovered,
                    Epoch = 9, Offset = 4 }),
            DeliveryOf(2, "two", channel: 8),
            DeliveryOf(3, "three", channel: 8),
            DeliveryOf(4, "four", channel: 8));

        Assert.Equal(1ul, asked.Offset);
        Assert.Equal((2ul, Gap.None), Of(await NextAsync(deliveries)));
        Assert.Equal((4ul, Gap.None), Of(await NextAsync(deliveries)));

        static (ulong Offset, Gap Gap) Of(Delivery delivery) => (delivery.Offset, delivery.GapBefore);
    }

    [Fact]
    public async Task A_listener_that_throws_does_not_keep_the_client_from_coming_back()
    {
        await ConnectAsync();
        Client.StateChanged += static _ => throw new InvalidOperationException("the log is full");

        Side.Abort();
        await ReconnectAsync();

        Assert.Equal(ClientState.Connected, Client.State);
    }

    [Fact]
    public async Task A_subscribe_right_after_a_reconnect_is_sent_once()
    {
        await ConnectAsync();
        var subscribing = new TaskCompletionSource<Task<Subscription>>();
        Client.StateChanged += state =>
        {
            if (state == ClientState.Connected) subscribing.TrySetResult(Client.SubscribeAsync("news"));
        };

        Side.Abort();
        await ReconnectAsync();
        uint request = Read(await Side.ReceiveAsync(), message => message.As<Subscribe>().Request);
        await Side.SendAsync(NativeWriter.Message(new Subscribed { Request = request, Channel = 7 }));
        await (await subscribing.Task).WaitAsync(ScriptedHub.Patience);
        Task<TimeSpan> ping = Client.PingAsync();

        Assert.Equal(NativeKind.Ping, HubSide.KindOf(await Side.ReceiveAsync()));
        Assert.False(ping.IsCompleted);
    }

    [Fact]
    public async Task More_subscriptions_than_fit_the_queue_all_come_back()
    {
        await ConnectAsync(Options with { SendBytesMax = 100 });
        for (int i = 0; i < 20; i++)
        {
            Task<Subscription> subscribing = Client.SubscribeAsync($"channel-{i}");
            uint request = Read(await Side.ReceiveAsync(), message => message.As<Subscribe>().Request);
            await Side.SendAsync(NativeWriter.Message(new Subscribed { Request = request, Channel = (uint)i + 1 }));
            await subscribing.WaitAsync(ScriptedHub.Patience);
        }

        Side.Abort();
        await ReconnectAsync();
        var channels = new HashSet<string>();
        while (channels.Count < 20)
            channels.Add(Read(await Side.ReceiveAsync(), message => System.Text.Encoding.UTF8.GetString(message.As<Subscribe>().Channel)));
    }

    [Fact]
    public async Task The_hub_may_end_a_subscription_or_want_it_again_with_nothing_kept()
    {
        await ConnectAsync();
        Subscription news = await SubscribeAsync(SubscribedState.Recoverable, epoch: 9, offset: 1);
        await using IAsyncEnumerator<Delivery> deliveries = news.GetAsyncEnumerator();
        await Side.SendAsync(NativeWriter.Message(new Unsubscribed { Channel = 7, Code = 2502 }));
        (uint request, SubscribeOptions options) =
            Read(await Side.ReceiveAsync(), message => (message.As<Subscribe>().Request, message.As<Subscribe>().Options));
        Assert.Equal(SubscribeOptions.None, options);
        await Side.SendAsync(
            NativeWriter.Message(new Subscribed { Request = request, Channel = 8 }),
            NativeWriter.Message(new Unsubscribed { Channel = 8, Code = 2000, Text = "no more"u8 }));

        RequestRejectedException refused = await Assert.ThrowsAsync<RequestRejectedException>(() => NextAsync(deliveries));
        Assert.Equal(2000, refused.Code);
    }

    [Fact]
    public async Task Disposing_of_a_subscription_unsubscribes_and_permits_another()
    {
        await ConnectAsync();
        Subscription news = await SubscribeAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => Client.SubscribeAsync("news"));
        await news.DisposeAsync();

        Assert.Equal(7u, Read(await Side.ReceiveAsync(), message => message.As<Unsubscribe>().Channel));
        await foreach (Delivery delivery in news) Assert.Fail($"{delivery} came after the end.");
        await SubscribeAsync();
    }

    [Fact]
    public async Task A_subscription_that_was_given_up_before_it_was_confirmed_is_unsubscribed_when_it_is()
    {
        await ConnectAsync();
        using var cancel = new CancellationTokenSource();
        Task<Subscription> subscribing = Client.SubscribeAsync("news", cancellationToken: cancel.Token);
        uint request = Read(await Side.ReceiveAsync(), message => message.As<Subscribe>().Request);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => subscribing.WaitAsync(ScriptedHub.Patience));
        await Side.SendAsync(NativeWriter.Message(new Subscribed { Request = request, Channel = 7 }));
        (uint Request, uint Channel) left =
            Read(await Side.ReceiveAsync(), message => (message.As<Unsubscribe>().Request, message.As<Unsubscribe>().Channel));
        Assert.Equal(7u, left.Channel);

        Subscription again = await SubscribeAsync();
        await Side.SendAsync(NativeWriter.Message(new Unsubscribed { Request = left.Request, Channel = 7 }), DeliveryOf(0, "one"));
        await using IAsyncEnumerator<Delivery> deliveries = again.GetAsyncEnumerator();
        Assert.Equal("one"u8.ToArray(), (await NextAsync(deliveries)).Data.ToArray());
    }

    [Fact]
    public async Task The_hubs_advice_comes_before_the_clients_own_backoff()
    {
        await ConnectAsync();
        await Side.SendAsync(NativeWriter.Message(new Bye { Code = 3001, RetryMilliseconds = 60_000, Text = "shutdown"u8 }));
        await Side.CloseAsync(3001, "shutdown");
        await AwaitStateAsync(ClientState.Waiting);
        Time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(ClientState.Waiting, Client.State);
        Time.Advance(TimeSpan.FromSeconds(1));

        Side = await Hub.AcceptAsync();
        await Side.WelcomeAsync();
        await AwaitStateAsync(ClientState.Connected);
    }

    [Theory]
    [InlineData(3001, Bye.Never)]
    [InlineData(3500, 0)]
    [InlineData(4501, 10)]
    [InlineData(1008, 0)]
    public async Task A_hub_that_wants_no_more_of_it_closes_the_client_for_good(int code, uint retryMilliseconds)
    {
        await ConnectAsync();
        Subscription news = await SubscribeAsync();
        await Side.SendAsync(NativeWriter.Message(new Bye { Code = (ushort)code, RetryMilliseconds = retryMilliseconds, Text = "go"u8 }));
        await Side.CloseAsync(code, "go");

        await AwaitStateAsync(ClientState.Closed);
        Assert.Equal((code, "go", false), (Client.LastClose.Code, Client.LastClose.Text, Client.LastClose.MayReconnect));
        await using IAsyncEnumerator<Delivery> deliveries = news.GetAsyncEnumerator();
        await Assert.ThrowsAsync<ConnectionLostException>(() => NextAsync(deliveries));
        await Assert.ThrowsAsync<ConnectionLostException>(() => Client.PublishAsync("news", default));
    }

    [Fact]
    public async Task A_hub_that_is_busy_is_asked_again_and_one_that_forbids_is_not()
    {
        await ConnectAsync();
        Hub.Refusal = 503;
        Side.Abort();
        await AwaitStateAsync(ClientState.Waiting);
        Time.Advance(Options.BackoffMax);
        await AwaitStateAsync(ClientState.Waiting);
        Assert.Equal(503, Client.LastClose.Code);
        Hub.Refusal = 403;
        Time.Advance(Options.BackoffMax);
        await AwaitStateAsync(ClientState.Closed);

        Assert.Equal((403, false), (Client.LastClose.Code, Client.LastClose.MayReconnect));
        ConnectionLostException refused = await Assert.ThrowsAsync<ConnectionLostException>(() => BrokerClient.ConnectAsync(Options));
        Assert.Equal(403, refused.CloseInfo.Code);
    }

    [Fact]
    public async Task A_hub_of_another_protocol_differs_from_a_silent_one()
    {
        Hub.Subprotocol = null;
        Task<BrokerClient> connecting = BrokerClient.ConnectAsync(Options);
        (await Hub.AcceptAsync()).Over.SetResult();
        ConnectionLostException other = await Assert.ThrowsAsync<ConnectionLostException>(() => connecting.WaitAsync(ScriptedHub.Patience));
        Hub.Subprotocol = NativeProtocol.Batched;
        Task<BrokerClient> waiting = BrokerClient.ConnectAsync(Options);
        HubSide silent = await Hub.AcceptAsync();
        await silent.ReceiveAsync();
        Time.Advance(Options.ConnectLimit);
        ConnectionLostException late = await Assert.ThrowsAsync<ConnectionLostException>(() => waiting.WaitAsync(ScriptedHub.Patience));
        silent.Over.SetResult();

        Assert.False(other.CloseInfo.MayReconnect);
        Assert.IsType<TimeoutException>(late.CloseInfo.Cause);
    }
}
