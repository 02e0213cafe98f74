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

/// <content>Calls of a client, and calls of the hub to it.</content>
public sealed partial class SessionActor
{
    private void Authorize(ClientCommand.Call call)
    {
        string name = _context.Calls.Methods.TryGet(call.Method, out Method? method) ? method.Name : "";
        var request = new AuthorizationRequest(HubAction.Call, name, _principal!) { Data = call.Arguments };
        ValueTask<AuthorizationResult> answer;
        try
        {
            answer = method is null ? default : _context.Access.AuthorizeAsync(request, Gone);
        }
        catch (Exception failure)
        {
            answer = ValueTask.FromException<AuthorizationResult>(failure);
        }

        if (answer.IsCompletedSuccessfully) Start(call, answer.Result);
        else Access.Await(answer.AsTask(), (result, failure) => Start(call, failure is null ? result : OnFailure(failure)));
    }

    private void StartEach(InlineRun run, Action<ClientCommand.Call> start)
    {
        // The run was owed one answer as a whole; each of its calls is answered for itself.
        bool isOwed = true;
        foreach (ref readonly InlineEntry entry in run.Calls)
        {
            if (entry.Bytes > 0 && !isOwed) _writer.Calls.Owe();
            if (entry.Bytes > 0) isOwed = false;
            ClientCommand.Call call = ClientCommand.Call.Of(run.RequestOf(entry), entry.Bytes);
            if (IsWaiting) Access.Enqueue(call);
            else start(call);
        }

        run.Return();
    }

    private void Start(ClientCommand.Call call, AuthorizationResult result)
    {
        if (result.IsAllowed)
        {
            Calls.Start(call.Request, _principal!);
        }
        else
        {
            call.Reservation?.Dispose();
            if (result.Disconnect is { } reason) Disconnect(reason, "rejected by access");
            else
                _writer.Calls.Faulted(
                    call.Id, result.Error!.Value.Kind == HubErrorKind.Internal ? FaultCode.Internal : FaultCode.PermissionDenied,
                        result.Error.Value.Message);
        }

        _writer.Done(call.Bytes);
    }

    private void Call(CallClient call)
    {
        FaultCode refused = _writer.Calls.Call(call.Id, call.Method, call.Deadline, call.Arguments, call.Options);
        if (refused != FaultCode.None) _called?.Answer(call.Id, refused, default, "the call could not be sent");
    }

    // It has taken room in any case, and gives it back when it is gone.
    private void SendItemToClient(SendItemToClient send)
    {
        if (_called!.IsWaiting(send.Id) && !_writer.Calls.Sent(send.Id, send.Item)) _called.OnTooLong(send.Id, send.Item.Length);
        Sent.Add(send.Item.Length);
    }
}
