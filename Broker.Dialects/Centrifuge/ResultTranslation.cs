using Broker.Actors.Channels.Delivery;
using Broker.Core.Protocol.Messages;
using Broker.Dialects.Centrifuge.Forms;
using Broker.Dialects.Centrifuge.Wire;
using SubscribeResult = Broker.Actors.Channels.Delivery.SubscribeResult;
using WireSubscribeResult = Broker.Dialects.Centrifuge.Wire.SubscribeResult;

namespace Broker.Dialects.Centrifuge;

/// <summary>Translates what a session answers to results and errors of the wire. Pure.</summary>
internal static class ResultTranslation
{
    private const uint ApplicationErrorMin = 400;

    /// <summary>Whole seconds until something expires, as the dialect has them; 0 for never.</summary>
    internal static uint SecondsOf(TimeSpan? left) => (uint)Math.Clamp(left?.TotalSeconds ?? 0, 0, uint.MaxValue);

    /// <summary>The answer to a subscribe, or what a client is sent in place of one.</summary>
    internal static WireSubscribeResult Of(Subscription subscription, in SubscribeResult result, CentrifugeFormat format)
    {
        bool hasPosition = result.Positioned || result.Recoverable;
        return new WireSubscribeResult
        {
            Expires = result.TimeLeft is not null,
            TtlSeconds = SecondsOf(result.TimeLeft),
            Data = result.Data.Span,
            Recoverable = result.Recoverable,
            Positioned = result.Positioned,
            Epoch = hasPosition ? CentrifugeEpoch.Write(result.Position.Epoch) : null,
            Offset = !hasPosition ? 0 : result.Recovered ? subscription.Options.RecoverFrom?.Offset ?? 0 : result.Position.Offset,
            Delta = !string.IsNullOrEmpty(result.Delta),
            WasRecovering = result.Recoverable && result.WasRecovering,
            Recovered = result.Recoverable && result.Recovered,
            Publications =
                result.Missed is { } missed ? format.BodiesOf(result.Position.Epoch, missed, !string.IsNullOrEmpty(result.Delta))
                    : [],
        };
    }

    /// <summary>The error of a call that failed.</summary>
    internal static CentrifugeError Of(FaultCode code, string text) => code switch
    {
        FaultCode.UnknownMethod => CentrifugeError.MethodNotFound,
        FaultCode.BadArguments or FaultCode.BadId => CentrifugeError.BadRequest,
        FaultCode.PermissionDenied => CentrifugeError.PermissionDenied,
        FaultCode.Overloaded => CentrifugeError.TooManyRequests,
        FaultCode.Failed => new CentrifugeError(ApplicationErrorMin, text),
        >= (FaultCode)1000 and < (FaultCode)2000 => new CentrifugeError((uint)code, text),
        >= (FaultCode)2000 => new CentrifugeError(ApplicationErrorMin, text),
        _ => CentrifugeError.Internal,
    };
}
