namespace Broker.Tests.Conformance.Cases;

/// <summary>How well the server behaved in a case.</summary>
public enum Behaviour
{
    /// <summary>As well as can be.</summary>
    Ok,

    /// <summary>Second best, and still what the RFC allows.</summary>
    NonStrict,

    /// <summary>The case only reports what it saw.</summary>
    Informational,

    /// <summary>The server lacks an optional part of the protocol.</summary>
    Unimplemented,

    /// <summary>Wrong.</summary>
    Failed,
}

/// <summary>How the connection of a case ended.</summary>
public enum Closing
{
    /// <summary>As the case wants it.</summary>
    Ok,

    /// <summary>Without both close frames, or without the server's end of the stream in time.</summary>
    Unclean,

    /// <summary>With a close code that the case does not allow.</summary>
    WrongCode,

    /// <summary>The client had to end the stream because the server did not.</summary>
    FailedByClient,

    /// <summary>Started by the wrong side, or never opened.</summary>
    Failed,
}
