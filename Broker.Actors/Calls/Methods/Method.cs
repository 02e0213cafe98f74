using System.Buffers;
using Akka.Event;

namespace Broker.Actors.Calls.Methods;

/// <summary>One method that clients may call: what answers, and whether it may do so on their loops.</summary>
/// <remarks>Shared by all loops and by the thread pool.</remarks>
internal sealed class Method
{
    private const int LateCallsMax = 3;                                         // So many, and it is not what it was declared to be,
    private static readonly TimeSpan s_lateWithin = TimeSpan.FromMinutes(1);    // if they came within this time.

    private readonly Queue<long> _late = new();
    private volatile bool _isInline;

    /// <summary>A method whose calls run on the thread pool.</summary>
    internal Method(string name, MethodHandler handler, CallOrder order = CallOrder.None)
    {
        Name = name;
        Handler = handler;
        Order = order;
    }

    /// <summary>A method whose calls run on the loops of their callers, as long as it is fast.</summary>
    internal Method(string name, InlineHandler inline)
        : this(name, Beside(inline))
    {
        Inline = inline;
        _isInline = true;
    }

    internal string Name { get; }

    internal CallOrder Order { get; }

    /// <summary>What answers on the thread pool, in any case.</summary>
    internal MethodHandler Handler { get; }

    /// <summary>What answers on a loop, if it <see cref="IsInline"/>.</summary>
    internal InlineHandler? Inline { get; }

    /// <summary>Whether it runs on loops: it was declared to be inline, and has been.</summary>
    internal bool IsInline => _isInline;

    /// <summary>A call has held its loop up. That is forgiven twice, as it may have been the machine's fault.</summary>
    /// <param name="took">The call's time.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Told when the method is not inline any more.</param>
    internal void NoteLate(TimeSpan took, TimeProvider time, ILoggingAdapter log)
    {
        lock (_late)
        {
            long now = time.GetTimestamp();
            _late.Enqueue(now);
            while (time.GetElapsedTime(_late.Peek(), now) > s_lateWithin) _late.Dequeue();
            if (!_isInline || _late.Count < LateCallsMax) return;
            _isInline = false;
        }

        log.Warning("The method {0} is declared inline and has held up a loop {1} times within a minute, at last for {2} ms: its calls run "
            + "on the thread pool from now on.", Name, LateCallsMax, (long)took.TotalMilliseconds);
    }

    private static MethodHandler Beside(InlineHandler inline) => (call, _) =>
    {
        var result = new ArrayBufferWriter<byte>();
        inline(new InlineCall(call.Method, call.Arguments.Span, call.Caller), result);
        return new ValueTask<ReadOnlyMemory<byte>>(result.WrittenMemory);
    };
}
