using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Sessions;
using Broker.Core.Protocol.Messages;
using Broker.Dialects;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Streams;

/// <summary>What native clients learn of who is in a channel, over a whole hub.</summary>
public sealed class NativePresenceTests
{
    [Fact]
    public void A_client_asks_who_is_there_and_how_many()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "room", Presence = true });
        NativeClient client = hub.ConnectNative(), other = hub.ConnectNative();
        foreach (NativeClient each in (NativeClient[])[client, other]) Subscribe(each, "room:a");

        Assert.Equal("presence 9: 2 clients, 1 users: /client /client", Ask(client, PresenceOptions.None));
        Assert.Equal("presence 9: 2 clients, 1 users:", Ask(client, PresenceOptions.CountsOnly));
        Assert.StartsWith("error Request 108 id 9", Ask(client, PresenceOptions.None, "plain"), StringComparison.Ordinal);
        Assert.StartsWith("error Request 103 id 9", Ask(hub.ConnectNative(), PresenceOptions.None), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(JoinLeave.On)]
    [InlineData(JoinLeave.Asked)]
    public void Only_a_client_that_asks_gets_joins_and_leaves(JoinLeave setting)
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "room", Presence = true, JoinLeave = setting });
        NativeClient asks = hub.ConnectNative(), plain = hub.ConnectNative(), comes = hub.ConnectNative();

        Assert.Equal("joined #1 ", Subscribe(asks, "room:a", SubscribeOptions.JoinLeave, answers: 2));      // Its own, behind its answer.
        Subscribe(plain, "room:a");
        Assert.Equal("joined #1 ", asks.Next());
        Subscribe(comes, "room:a");
        Assert.Equal("joined #1 ", asks.Next());
        comes.Send(NativeWriter.Message(new Unsubscribe { Request = 3, Channel = 1 }));
        Assert.Equal("left #1 ", asks.Next());
        hub.Turn(4);
        Assert.Empty(plain.Frames.PayloadsWithin(2));
    }

    private static string Ask(NativeClient client, PresenceOptions options, string channel = "room:a")
    {
        client.Send(NativeWriter.Message(
            new PresenceRequest { Request = 9, Options = options, Channel = System.Text.Encoding.UTF8.GetBytes(channel) }));
        return client.Next();
    }

    private static string Subscribe(NativeClient client, string channel, SubscribeOptions options = SubscribeOptions.None, int answers = 1)
    {
        client.Send(NativeWriter.Message(
            new Subscribe { Request = 2, Options = options, Channel = System.Text.Encoding.UTF8.GetBytes(channel) }));
        return client.Next(answers)[^1];
    }

    private static ClientSettings Quiet() => new() { PingInterval = TimeSpan.FromDays(20) };

    private static HubHarness Hub(params ChannelNamespace[] namespaces) =>
        new(new StandardSettings { Namespaces = namespaces, Clients = Quiet() });
}
