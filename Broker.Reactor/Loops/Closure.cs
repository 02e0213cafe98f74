using Broker.Core.Framing;

namespace Broker.Reactor.Loops;

/// <summary>Why a connection ended; each has exactly one.</summary>
public enum ClosureCause
{
    /// <summary>The client sent a Close frame, or sent bye in its own protocol.</summary>
    ClosedByClient,

    /// <summary>The layers above asked for the close: a disconnect of the dialect.</summary>
    ClosedByServer,

    /// <summary>The client broke RFC 6455.</summary>
    Violation,

    /// <summary>The client's TCP side ended without a Close frame.</summary>
    EndOfStream,

    /// <summary>The socket failed: a reset, or a broken pipe.</summary>
    SocketError,

    /// <summary>More bytes waited for the client than its queue may hold, or it took none for too long.</summary>
    SlowReader,

    /// <summary>The upgrade request was not complete in time.</summary>
    HandshakeTimeout,

    /// <summary>The upgrade request was refused.</summary>
    HandshakeRefused,

    /// <summary>The first request was plain HTTP, and someone else answers it.</summary>
    HandedOver,

    /// <summary>The session failed inside the server.</summary>
    SessionFailed,

    /// <summary>The loop stopped while the connection was open.</summary>
    Shutdown,
}

/// <summary>How a connection ended.</summary>
/// <param name="Cause">The one cause.</param>
/// <param name="Code">The code of the first Close frame, ours or the client's; <c>Abnormal</c> where there was none.</param>
/// <param name="Reason">What was sent with it, or what the system reported.</param>
public sealed record Closure(ClosureCause Cause, CloseCode Code, string Reason);
