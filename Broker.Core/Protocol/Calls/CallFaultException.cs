using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Calls;

/// <summary>What answers a call says that it could not, and why: the caller is sent both.</summary>
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
    /// <param name="innerException">Not sent.</param>
    public CallFaultException(string message, Exception innerException)
        : base(message, innerException) => Code = FaultCode.Failed;

    /// <summary>The method could not do it.</summary>
    /// <param name="code">One of those that a method may send, or an application's own from 1000 on.</param>
    /// <param name="message">For the caller.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The code never travels: it would tell the caller of a result, or of nothing.
    /// </exception>
    public CallFaultException(FaultCode code, string message)
        : base(message) => Code = Check(code);

    /// <summary>The method could not do it.</summary>
    /// <param name="code">As above.</param>
    /// <param name="message">For the caller.</param>
    /// <param name="innerException">Not sent.</param>
    public CallFaultException(FaultCode code, string message, Exception innerException)
        : base(message, innerException) => Code = Check(code);

    /// <summary>Why.</summary>
    public FaultCode Code { get; }

    private static FaultCode Check(FaultCode code) =>
        code is not (FaultCode.None or FaultCode.Closed) ? code
            : throw new ArgumentOutOfRangeException(nameof(code), code, "Not a fault that a call can end with.");
}
