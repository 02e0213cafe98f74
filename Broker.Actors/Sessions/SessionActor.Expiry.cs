using Broker.Actors.Calls;
using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Calls.Outbound;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using Akka.Actor;
using Akka.Event;
using Broker.Actors.Access;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Limits;
using Broker.Actors.Model;
using Broker.Core.Protocol.Calls;
using Broker.Core.Filters;
using Broker.Core.Topics;
using FaultCode = Broker.Core.Protocol.Messages.FaultCode;
using static Broker.Actors.Calls.Inbound.InboundCallProtocol;
using static Broker.Actors.Calls.Outbound.OutboundCallProtocol;
using static Broker.Actors.Sessions.SessionProtocol;

namespace Broker.Actors.Sessions;

/// <content>What expires: the connection and its subscriptions, refreshed by the client or by the hub.</content>
public sealed partial class SessionActor
{
    private void Refresh(ClientCommand.Refresh refresh)
    {
        if (refresh.Channel is { } channel && !_subscriptions.TryGet(channel, out _))
        {
            Reject(refresh, HubError.PermissionDenied);
            return;
        }

        ValueTask<RefreshResult> answer;
        try
        {
            answer = _context.Access.RefreshAsync(new RefreshRequest(_principal!, refresh.Token) { Channel = refresh.Channel }, Gone);
        }
        catch (Exception failure)
        {
            answer = ValueTask.FromException<RefreshResult>(failure);
        }

        if (answer.IsCompletedSuccessfully) OnRefreshed(refresh, answer.Result);
        else Access.Await(answer.AsTask(), (result, failure) => OnRefreshed(refresh, failure is null ? result : OnFailedRefresh(failure)));
    }

    private RefreshResult OnFailedRefresh(Exception failure)
    {
        _context.Log.Error(failure, "Access could not answer a refresh of {0}.", _writer.Connection.Id);
        return RefreshResult.Reject(HubError.Internal);
    }

    private void OnRefreshed(ClientCommand.Refresh refresh, RefreshResult result)
    {
        if (result.Disconnect is { } reason)
        {
            Disconnect(reason, "refresh rejected");
        }
        else if ((result.Error ?? CheckDate(result.ExpiresAt)) is { } error)
        {
            _writer.Failed(refresh.Id, refresh.Index, error);
        }
        else
        {
            Expiry.Set(refresh.Channel ?? "", result.ExpiresAt);
            _writer.Refreshed(refresh.Id, refresh.Channel, Expiry.Left(result.ExpiresAt));
        }

        _writer.Done(refresh.Bytes);
    }

    private void OnExpired(string key)
    {
        if (_ended) return;
        if (_context.HasOwnAccess && Expiry.IsByHub(key) && !IsWaiting) RefreshByHub(key);
        else if (_context.HasOwnAccess && Expiry.IsByHub(key))
            Expiry.Set(key, _context.Calls.Time.GetUtcNow().AddSeconds(1), clientRefreshes: false);
        else End(key);
    }

    // What the client does not refresh by itself: access is asked whether it may stay.
    private void RefreshByHub(string key)
    {
        string? channel = key.Length == 0 ? null : _subscriptions.TryGet(key, out Subscription? subscription) ? subscription.Channel : "";
        if (channel is "") return;
        ValueTask<RefreshResult> answer;
        try
        {
            answer = _context.Access.RefreshAsync(new RefreshRequest(_principal!, default) { Channel = channel }, Gone);
        }
        catch (Exception failure)
        {
            answer = ValueTask.FromException<RefreshResult>(failure);
        }

        if (answer.IsCompletedSuccessfully) OnRefreshedByHub(key, answer.Result);
        else Access.Await(answer.AsTask(), (result, failure) => OnRefreshedByHub(key, failure is null ? result : OnFailedRefresh(failure)));
    }

    private void OnRefreshedByHub(string key, RefreshResult result)
    {
        if (result.Error is null && result.Disconnect is null && CheckDate(result.ExpiresAt) is null)
            Expiry.Set(key, result.ExpiresAt, clientRefreshes: false);
        else End(key);
    }

    private void End(string key)
    {
        if (key.Length == 0)
        {
            Disconnect(DisconnectReason.Expired, "the connection has expired");
        }
        else if (_subscriptions.TryGet(key, out Subscription? subscription))
        {
            if (subscription.Options.IsServerSide) Disconnect(DisconnectReason.SubscriptionExpired, "a subscription has expired");
            else OnEvicted(new ChannelProtocol.Evicted(subscription, UnsubscribeReason.Expired));
        }
    }
}
