using Akka.Actor;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using Broker.Actors.Model;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>What a relay replies: a home's answers to those who asked, and an error to whom a lost command came from.</summary>
internal static class RelayReplies
{
    internal static void OnRead(ReadHistory asked, in HistoryAnswer answer)
    {
        object reply =
            answer.Page is { } page ? new HistoryRead(asked.Id, asked.Bytes, asked.Channel, page)
                : new Failed(asked.Id, asked.Bytes, answer.Error!.Value, Subscription: null);
        asked.ReplyTo.Tell(reply, ActorRefs.NoSender);
    }

    internal static void OnRemoved(RemoveHistory asked, HubError? error) =>
        asked.ReplyTo.Tell(error is { } why ? new Failed(0, 0, why, Subscription: null) : new HistoryRemoved(), ActorRefs.NoSender);

    internal static void OnPresenceRead(ReadPresence asked, in NodeProtocol.PresenceRead answer)
    {
        object reply = answer.Error is { } error
            ? new Failed(asked.Id, asked.Bytes, error, Subscription: null)
            : new PresenceRead(asked.Id, asked.Bytes, answer.Counts, answer.Members);
        asked.ReplyTo.Tell(reply, ActorRefs.NoSender);
    }

    /// <summary>A command failed with its home: the one that sent it gets an error.</summary>
    internal static void Fail(object command, LoopFanOuts fanOuts)
    {
        switch (command)
        {
            case Publish publish: Fail(publish.ReplyTo, publish.Id, publish.Bytes); break;
            case Subscribe subscribe:
                subscribe.Subscription.Session.Tell(
                    new Failed(subscribe.Id, subscribe.Bytes, HubError.Internal, subscribe.Subscription), ActorRefs.NoSender);
                break;
            case Unsubscribe unsubscribe:
                fanOuts.Send(
                    unsubscribe.Subscription.Loop, new RemoveSubscriber(unsubscribe.Subscription, unsubscribe.Id, unsubscribe.Bytes));
                break;
            case ReadHistory read: Fail(read.ReplyTo, read.Id, read.Bytes); break;
            case RemoveHistory remove: Fail(remove.ReplyTo, 0, 0); break;
            case NodeRequest request: request.Lane.Close("The homes of channels were restarted."); break;
            case ReadPresence read: Fail(read.ReplyTo, read.Id, read.Bytes); break;
            case ListChannels list: list.ReplyTo.Tell(new ChannelsListed([]), ActorRefs.NoSender); break;
            default: break;
        }
    }

    private static void Fail(IActorRef replyTo, uint id, int bytes) =>
        replyTo.Tell(new Failed(id, bytes, HubError.Internal, Subscription: null), ActorRefs.NoSender);
}
