using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>What the client could not do.</summary>
public class BrokerException : Exception
{
    /// <summary>Says what.</summary>
    public BrokerException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }
}

/// <summary>The connection ended, or there is none. What was on its way may have happened, or not.</summary>
public sealed class ConnectionLostException(Ending ending)
    : BrokerException(ending.Text.Length == 0 ? $"The connection ended with {ending.Code}." : $"The connection ended with {ending.Code}: {ending.Text}", ending.Cause)
{
    /// <summary>How.</summary>
    public Ending Ending => ending;
}

/// <summary>As much waits to be sent as may. Nothing was sent; worth another try later.</summary>
public sealed class QueueFullException(string message) : BrokerException(message);

/// <summary>The message is longer than the hub takes. Nothing was sent.</summary>
public sealed class TooBigException(string message) : BrokerException(message);

/// <summary>The hub refused a subscription or a publication.</summary>
/// <param name="code">100 to 113 as in the Centrifuge dialect, or an application's from 400 on.</param>
/// <param name="message">In the hub's words.</param>
public sealed class RefusedException(int code, string message) : BrokerException(message)
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
