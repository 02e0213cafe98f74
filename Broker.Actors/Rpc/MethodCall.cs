using Broker.Actors.Sessions;
using Broker.Core.Rpc;

namespace Broker.Actors.Rpc;

/// <summary>Answers one call. See <see cref="Methods"/> for what it may rely on.</summary>
/// <param name="call">What is called.</param>
/// <param name="cancel">Cancelled when nobody waits for the answer any more.</param>
/// <returns>The result; not to be changed afterwards.</returns>
public delegate ValueTask<ReadOnlyMemory<byte>> MethodHandler(MethodCall call, CancellationToken cancel);

/// <summary>One call, as its handler sees it.</summary>
/// <param name="Method">The name that it was called by.</param>
/// <param name="Arguments">As the caller sent them; the handler's to keep.</param>
/// <param name="Caller">Who calls.</param>
public sealed record MethodCall(string Method, ReadOnlyMemory<byte> Arguments, Principal Caller);

/// <summary>A handler says that it could not, and why: the caller is told both.</summary>
public sealed class CallFaultException : Exception
{
    /// <summary>The method could not do it.</summary>
    public CallFaultException()
        : this("failed")
    {
    }

    /// <summary>The method could not do it.</summary>
    /// <param name="message">For the caller.</param>
    public CallFaultException(string message)
        : this(FaultCode.Failed, message)
    {
    }

    /// <summary>The method could not do it.</summary>
    /// <param name="message">For the caller.</param>
    /// <param name="innerException">Not told.</param>
    public CallFaultException(string message, Exception innerException)
        : base(message, innerException) => Code = FaultCode.Failed;

    /// <summary>The method could not do it.</summary>
    /// <param name="code">One of those that a method may say, or an application's own from 1000 on.</param>
    /// <param name="message">For the caller.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code never travels: it would tell the caller of a result, or of nothing.</exception>
    public CallFaultException(FaultCode code, string message)
        : base(message) =>
        Code = code is not (FaultCode.None or FaultCode.Closed) ? code : throw new ArgumentOutOfRangeException(nameof(code), code, "Not a fault to be told.");

    /// <summary>Why.</summary>
    public FaultCode Code { get; }
}
