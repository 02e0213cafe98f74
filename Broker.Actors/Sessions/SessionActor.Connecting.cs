using System.Net;
using Broker.Actors.Recent;
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

/// <content>How a client connects: access decides, the server subscribes it, and it is welcomed.</content>
public sealed partial class SessionActor
{
    private void Connect(ClientCommand.Connect connect)
    {
        if (_principal is not null)
        {
            Disconnect(DisconnectReason.BadRequest, "connect sent twice");
            _writer.Done(connect.Bytes);
            return;
        }

        string client = Guid.NewGuid().ToString();
        ValueTask<AuthenticationResult> answer;
        try
        {
            answer = _context.Access.AuthenticateAsync(RequestOf(connect, client), Gone);
        }
        catch (Exception failure)
        {
            answer = ValueTask.FromException<AuthenticationResult>(failure);
        }

        if (answer.IsCompletedSuccessfully) OnAuthenticated(connect, client, answer.Result, failure: null);
        else Access.Await(answer.AsTask(), (result, failure) => OnAuthenticated(connect, client, result, failure));
    }

    private void OnAuthenticated(ClientCommand.Connect connect, string client, AuthenticationResult? result, Exception? failure)
    {
        if (result is null)
        {
            _context.Log.Error(failure!, "Access could not answer the connect of {0}.", _writer.Connection.Id);
            Disconnect(DisconnectReason.ServerError, "access failed");
        }
        else if (result.Disconnect is { } reason)
        {
            Disconnect(reason, "connect rejected");
        }
        else if ((result.Error ?? CheckDate(result.ExpiresAt)) is { } error)
        {
            _wasRejected = true;
            _writer.NotConnected(connect.Id, error);
        }
        else if (_limits?.TryConnect(result.User) == false)
        {
            _wasRejected = true;
            _writer.NotConnected(connect.Id, HubError.TooManyRequests);
        }
        else
        {
            Admit(connect, client, result);
        }

        _writer.Done(connect.Bytes);
    }

    private void Admit(ClientCommand.Connect connect, string client, AuthenticationResult result)
    {
        _principal = new Principal(result.User, client) { ConnectionInfo = result.ConnectionInfo, State = result.State };
        _wasRejected = false;
        TimeSpan? left = null;
        if (result.ExpiresAt is { } date)
        {
            left = Expiry.Left(date);
            Expiry.Set("", date, result.ClientRefreshes);
        }

        if (_extras is not null) _extras.Upgrade = null;
        IReadOnlyList<string> wanted = result.GrantsWantedChannels ? connect.Credentials?.Channels ?? [] : [];
        if (wanted.Count == 0 || !_writer.SendsSubscriptionsOnConnect) AdmitWith(connect, client, result, left);
        else AddWanted(connect, client, result, left, wanted);
    }

    // A client may name channels as it connects. It is subscribed to those that it could subscribe to by itself; the others are left out.
    private void AddWanted(
        ClientCommand.Connect connect, string client, AuthenticationResult result, TimeSpan? left, IReadOnlyList<string> wanted)
    {
        ValueTask<WantedChannels> asking = WantedChannels.AskAsync(wanted, result.Subscriptions, _principal!, _context, Gone);
        if (asking.IsCompletedSuccessfully) OnWanted(asking.Result, failure: null);
        else Access.Await(asking.AsTask(), OnWanted);

        void OnWanted(WantedChannels? answer, Exception? failure)
        {
            if (failure is not null)
                _context.Log.Error(failure, "Access could not answer for the channels that {0} wants.", _writer.Connection.Id);
            if (answer is null) Disconnect(DisconnectReason.ServerError, "access failed");
            else if (answer.Disconnect is { } reason) Disconnect(reason, "channels of the connect were rejected");
            else AdmitWith(connect, client, result with { Subscriptions = answer.Subscriptions }, left);
        }
    }

    private void AdmitWith(ClientCommand.Connect connect, string client, AuthenticationResult result, TimeSpan? left)
    {
        var admission = new Admission(client, result.User) { Data = result.Data, TimeLeft = result.ClientRefreshes ? left : null };
        if (result.Subscriptions.Count == 0 || !_writer.SendsSubscriptionsOnConnect)
        {
            Welcome(connect, result, admission);
            return;
        }

        // The answer says where each channel stands; what is published from there on is sent as the subscriptions are made.
        ServerSubscriptions reported =
            ServerSubscriptions.Of(result.Subscriptions, connect.Credentials?.Positions, Self, _writer, _context);
        if (reported.ReadAsync() is not { } reading) Welcome(connect, result, admission, reported);
        else Access.Await(reading, (_, failure) => OnPositions(connect, result, admission, reported, failure));
    }

    private void OnPositions(
        ClientCommand.Connect connect, AuthenticationResult result, Admission admission, ServerSubscriptions reported, Exception? failure)
    {
        if (failure is null)
        {
            Welcome(connect, result, admission, reported);
            return;
        }

        _context.Log.Error(failure, "The channels of the server could not be read for {0}.", _writer.Connection.Id);
        Disconnect(DisconnectReason.ServerError, "a subscription by the server failed");
    }

    private void Welcome(
        ClientCommand.Connect connect, AuthenticationResult result, Admission admission, ServerSubscriptions? reported = null)
    {
        string client = admission.Client;
        _writer.Connected(connect.Id, reported is null ? admission : admission with { Subscriptions = reported.Results });
        if (_writer.WindowsOfHubCalls is { } windows)
            _called = _context.Calls.Clients.Add(client, Self, new ItemBounds(windows, _context.Calls.ItemBytesMax));
        if (_context.Log.IsDebugEnabled)
            _context.Log.Debug("{0} from {1} is client {2}.", _writer.Connection.Id, _writer.Connection.Remote, client);
        _context.Connected?.Add(_principal!, Self);
        foreach (ServerSubscription subscription in result.Subscriptions)
        {
            StreamPosition? since =
                reported is null ? connect.Credentials?.Positions?.GetValueOrDefault(subscription.Channel)
                    : reported.PositionOf(subscription.Channel);
            SubscribeByServer(subscription, since, isReported: reported is not null);
        }
    }

    private HubError? CheckDate(DateTimeOffset? date) =>
        date is not null && date <= _context.Calls.Time.GetUtcNow() ? HubError.Expired : null;

    private AuthenticationRequest RequestOf(ClientCommand.Connect connect, string client)
    {
        var request =
            new AuthenticationRequest { Dialect = _writer.Dialect, Client = client, Remote = _writer.Connection.Remote,
                Transport = _writer.Transport };
        if (_extras?.Upgrade is { } upgrade) request = request with { Target = upgrade.Target, UpgradeHeaders = upgrade.Headers };
        return connect.Credentials is not { } shown ? request : request with
        {
            Token = shown.Token,
            Data = shown.Data,
            Name = shown.Name,
            Version = shown.Version,
            Headers = shown.Headers ?? request.Headers,
            Channels = shown.Channels,
        };
    }
}
