using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>What the client could not do: the root of everything that it throws about the hub, the connection or a limit.</summary>
/// <remarks>
/// Beside it a method throws <see cref="OperationCanceledException"/> for its token, and <see cref="ArgumentException"/> or
/// <see cref="InvalidOperationException"/> where the program uses the client wrongly.
/// </remarks>
public class BrokerException : Exception
{
    /// <summary>Makes one.</summary>
    /// <param name="message">What failed, for people.</param>
    /// <param name="cause">The failure below it, if there is one.</param>
    public BrokerException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>The connection ended, or there is none. What was on its way may have happened, or not.</summary>
public sealed class ConnectionLostException(CloseInfo closeInfo)
    : BrokerException(
    closeInfo.Text.Length == 0 ? $"The connection ended with {closeInfo.Code}."
        : $"The connection ended with {closeInfo.Code}: {closeInfo.Text}", closeInfo.Cause)
{
    /// <summary>How the last connection ended.</summary>
    public CloseInfo CloseInfo => closeInfo;
}

/// <summary>The queue of what waits to be sent is full. Nothing was sent; try again later.</summary>
public sealed class QueueFullException(string message) : BrokerException(message);

/// <summary>The message is longer than the hub accepts. Nothing was sent.</summary>
public sealed class PayloadTooLargeException(string message) : BrokerException(message);

/// <summary>The hub rejected a subscription, a publication or an upload.</summary>
/// <param name="code">100 to 113 as in the Centrifuge dialect, or an application's from 400 on.</param>
/// <param name="message">In the hub's words.</param>
public sealed class RequestRejectedException(int code, string message) : BrokerException(message)
{
    /// <summary>The hub's code.</summary>
    public int Code => code;
}

/// <summary>A call failed, and only the call.</summary>
public sealed class CallFailedException(string method, FaultCode code, string text)
    : BrokerException($"{method}: {code}{(text.Length == 0 ? "" : $", {text}")}")
{
    /// <summary>Why.</summary>
    public FaultCode Code => code;

    /// <summary>In the words of the side that ran it.</summary>
    public string Text => text;
}
