using Broker.Actors.Calls.Methods;
using Broker.Actors.Model;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Identity.Backend;

namespace Broker.Identity.Access;

/// <summary>Passes calls of methods that the hub does not have on to the backend.</summary>
internal sealed class RpcAccess(IdentityAccess access, BackendProxy backend) : IMethodSource
{
    // Codes of applications under this have no place among the faults of calls.
    private const int FaultCodeMin = 1000;

    /// <inheritdoc />
    public void AddTo(MethodRegistry methods)
    {
        ArgumentNullException.ThrowIfNull(methods);
        methods.SetFallback(CallAsync);
    }

    private async ValueTask<ReadOnlyMemory<byte>> CallAsync(MethodCall call, CancellationToken cancellationToken)
    {
        BackendAnswer<RpcBackendResult> answer =
            await backend.RpcAsync(BackendClients.Of(call.Caller), call.Method, call.Arguments, cancellationToken).ConfigureAwait(false);
        if (answer.Disconnect is { } reason)
        {
            access.Disconnect(call.Caller.User, call.Caller.Client, reason);
            throw new CallFaultException(FaultCode.Failed, "the backend ends the connection");
        }

        if (answer.Error is { } error) throw new CallFaultException(FaultOf(error), error.Message);
        return answer.Result is { } result ? BackendResults.BytesOf(result.Data, result.BinaryData) : default;
    }

    private static FaultCode FaultOf(HubError error) => error.Kind switch
    {
        HubErrorKind.Application when error.ApplicationCode >= FaultCodeMin => (FaultCode)error.ApplicationCode,
        HubErrorKind.Application => FaultCode.Failed,
        HubErrorKind.PermissionDenied or HubErrorKind.Unauthorized => FaultCode.PermissionDenied,
        HubErrorKind.MethodNotFound or HubErrorKind.NotAvailable => FaultCode.UnknownMethod,
        HubErrorKind.BadRequest => FaultCode.BadArguments,
        HubErrorKind.TooManyRequests or HubErrorKind.LimitExceeded => FaultCode.Overloaded,
        _ => FaultCode.Internal,
    };
}
