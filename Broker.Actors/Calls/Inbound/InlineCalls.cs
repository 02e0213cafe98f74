using Broker.Actors.Calls.Methods;
using Broker.Actors.Model;
using System.Buffers;
using Akka.Event;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Reactor.Loops;

namespace Broker.Actors.Calls.Inbound;

/// <summary>The calls of one client that are answered where they are read, on its loop, and the time that this takes.</summary>
/// <remarks>
/// Others wait meanwhile, so a turn of the loop that is older than <see cref="CallSettings.InlineLimit"/> answers no more of them,
/// and a method that takes longer than that by itself is not inline any more. For the session's thread.
/// </remarks>
internal sealed class InlineCalls(ICallWriter writer, EventLoop loop, CallContext context, ILoggingAdapter log)
{
    private const int TogetherMax = 8;              // Calls between two looks at the clock, which costs as much as a small one;
    private const int AloneAfterLate = 1000;        // one, and for so many calls, after some took too long together.
    private const int ResultBytesKept = 64 * 1024;

    [ThreadStatic] private static ArrayBufferWriter<byte>? t_result;      // Of the call under way.

    private TimeSpan _began;                        // The turn's age at the last look.
    private Method? _last;
    private int _together;                          // Calls since then.
    private int _alone;                             // So many more are timed one by one.

    /// <summary>Answers a call, if its loop has the time.</summary>
    /// <returns>False when it has not: the call runs on the thread pool, as others do.</returns>
    internal bool TryAnswer(uint id, Method method, ReadOnlySpan<byte> arguments, Principal caller)
    {
        if (!method.IsInline) return false;
        if (_together == 0)
        {
            _began = TurnAge;
            if (_began >= context.Settings.InlineLimit) return false;
        }

        Answer(id, method, arguments, caller);
        _last = method;
        if (++_together >= TogetherMax || _alone > 0) Look();
        return true;
    }

    /// <summary>No more calls come in this turn.</summary>
    internal void EndTurn()
    {
        if (_together > 0) Look();
    }

    private TimeSpan TurnAge => loop.TurnAge;

    private void Answer(uint id, Method method, ReadOnlySpan<byte> arguments, Principal caller)
    {
        ArrayBufferWriter<byte> result = t_result ??= new ArrayBufferWriter<byte>();
        try
        {
            method.Inline!(new InlineCall(method.Name, arguments, caller), result);
            writer.Answered(id, result.WrittenSpan);
        }
        catch (CallFaultException fault)
        {
            writer.Faulted(id, fault.Code, fault.Message);
        }
        catch (Exception failure)
        {
            log.Error(failure, "The method {0} failed.", method.Name);
            writer.Faulted(id, FaultCode.Internal, "internal error");
        }

        result.ResetWrittenCount();
        if (result.Capacity > ResultBytesKept) t_result = null;
    }

    private void Look()
    {
        TimeSpan took = TurnAge - _began;
        if (took <= context.Settings.InlineLimit) _alone = Math.Max(0, _alone - 1);
        else if (_together == 1) _last!.NoteLate(took, context.Time, log);
        else _alone = AloneAfterLate;
        _together = 0;
    }
}
