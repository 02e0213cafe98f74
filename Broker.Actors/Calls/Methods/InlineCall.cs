using Broker.Actors.Model;
using System.Buffers;

namespace Broker.Actors.Calls.Methods;

/// <summary>Answers one call at once; see <see cref="MethodRegistry.AddInline"/> for what it may do.</summary>
/// <param name="call">What is called.</param>
/// <param name="result">Takes the result; borrowed until the return.</param>
public delegate void InlineHandler(InlineCall call, IBufferWriter<byte> result);

/// <summary>One call of a inline method, as its handler sees it.</summary>
public readonly ref struct InlineCall
{
    internal InlineCall(string method, ReadOnlySpan<byte> arguments, Principal caller)
    {
        Method = method;
        Arguments = arguments;
        Caller = caller;
    }

    /// <summary>The name that it was called by.</summary>
    public string Method { get; }

    /// <summary>As the caller sent them; borrowed until the handler returns.</summary>
    public ReadOnlySpan<byte> Arguments { get; }

    /// <summary>Who calls.</summary>
    public Principal Caller { get; }
}
