using System.Threading.Channels;
using Broker.Client;
using Broker.Core.Protocol.Messages;

namespace Broker.Tests.Client;

/// <summary>Joins and leaves as the .NET client gives them.</summary>
public sealed class MemberChangeTests : ClientTest
{
    private readonly Channel<MemberChange> _changes = Channel.CreateUnbounded<MemberChange>();

    [Fact]
    public async Task Joins_and_leaves_reach_their_subscriber_in_order()
    {
        await ConnectAsync();
        await using Subscription news = await SubscribeToMembersAsync(change => Assert.True(_changes.Writer.TryWrite(change)));

        await Side.SendAsync(
            NativeWriter.Message(
                new Joined { Channel = 7, Member = new Member { Client = "c8"u8, User = "42"u8, ConnectionInfo = "{}"u8 } }),
            NativeWriter.Message(new Left { Channel = 8, Member = new Member { Client = "c8"u8 } }),
            NativeWriter.Message(new Left { Channel = 7, Member = new Member { Client = "c8"u8, User = "42"u8 } }));

        MemberChange joined = await NextAsync(), left = await NextAsync();
        Assert.Equal((true, "c8", "42"), (joined.HasJoined, joined.Member.Client, joined.Member.User));
        Assert.Equal("{}"u8.ToArray(), joined.Member.ConnectionInfo.ToArray());
        Assert.Equal((false, "c8"), (left.HasJoined, left.Member.Client));
    }

    [Fact]
    public async Task A_listener_that_throws_ends_nothing()
    {
        await ConnectAsync();
        await using Subscription news = await SubscribeToMembersAsync(change =>
        {
            _changes.Writer.TryWrite(change);
            throw new InvalidOperationException("The listener fails.");
        });

        foreach (byte[] client in (byte[][])["c8"u8.ToArray(), "c9"u8.ToArray()])
            await Side.SendAsync(NativeWriter.Message(new Joined { Channel = 7, Member = new Member { Client = client } }));

        Assert.Equal("c8", (await NextAsync()).Member.Client);
        Assert.Equal("c9", (await NextAsync()).Member.Client);
    }

    [Fact]
    public async Task Joins_are_asked_for_again_after_a_reconnect()
    {
        await ConnectAsync();
        await using Subscription news = await SubscribeToMembersAsync(static _ => { });
        Side.Abort();
        await ReconnectAsync();

        Assert.Equal(SubscribeOptions.JoinLeave, Read(await Side.ReceiveAsync(), message => message.As<Subscribe>().Options));
    }

    [Fact]
    public async Task A_subscription_without_a_listener_asks_for_no_joins()
    {
        await ConnectAsync();
        Task<Subscription> subscribing = Client.SubscribeAsync("news");

        Assert.Equal(SubscribeOptions.None, Read(await Side.ReceiveAsync(), message => message.As<Subscribe>().Options));
        Side.Abort();
        await Assert.ThrowsAsync<ConnectionLostException>(() => subscribing);
    }

    private async Task<Subscription> SubscribeToMembersAsync(Action<MemberChange> listener)
    {
        Task<Subscription> subscribing = Client.SubscribeAsync("news", listener);
        byte[] request = await Side.ReceiveAsync();
        Assert.Equal(SubscribeOptions.JoinLeave, Read(request, message => message.As<Subscribe>().Options));
        await Side.SendAsync(
            NativeWriter.Message(new Subscribed { Request = Read(request, message => message.As<Subscribe>().Request), Channel = 7 }));
        return await subscribing.WaitAsync(ScriptedHub.Patience);
    }

    private Task<MemberChange> NextAsync() => _changes.Reader.ReadAsync().AsTask().WaitAsync(ScriptedHub.Patience);
}
