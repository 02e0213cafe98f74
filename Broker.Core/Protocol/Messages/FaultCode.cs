namespace Broker.Core.Protocol.Messages;

/// <summary>Why a call failed. 1000 and up are free for applications.</summary>
public enum FaultCode : ushort
{
    /// <summary>None; never on the wire.</summary>
    None = 0,

    /// <summary>No one here answers to that method.</summary>
    UnknownMethod = 1,

    /// <summary>The arguments are not what the method takes.</summary>
    BadArguments = 2,

    /// <summary>The method says that it could not, and why.</summary>
    Failed = 3,

    /// <summary>The method broke; details are in the log of the side that ran it.</summary>
    Internal = 4,

    /// <summary>The caller has cancelled.</summary>
    Cancelled = 5,

    /// <summary>The time that the caller allowed is over.</summary>
    Deadline = 6,

    /// <summary>Too many calls are pending, or too many bytes. Worth another try later.</summary>
    Overloaded = 7,

    /// <summary>The connection ended first; never on the wire. The call may have run, or not.</summary>
    Closed = 8,

    /// <summary>The number belongs to a call that is still pending, or has the wrong highest bit.</summary>
    BadId = 9,

    /// <summary>The result passes a limit of the caller.</summary>
    ResultTooBig = 10,

    /// <summary>The caller may not.</summary>
    PermissionDenied = 11,
}
