using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>How a connection ended, and what that means for the next one.</summary>
public sealed record CloseInfo
{
    /// <summary>The code of the hub's bye or Close frame; 1006 where neither came; of HTTP where it did not become a WebSocket.</summary>
    public required int Code { get; init; }

    /// <summary>In words.</summary>
    public string Text { get; init; } = "";

    /// <summary>Whether another attempt makes sense.</summary>
    public required bool MayReconnect { get; init; }

    /// <summary>How long the hub wants the client to stay away; none leaves it to the client.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>What failed here, if anything did.</summary>
    public Exception? Cause { get; init; }

    internal static CloseInfo FromCode(int code, string text) => new() { Code = code, Text = text, MayReconnect = Invites(code) };

    internal static CloseInfo FromFailure(Exception cause) =>
        new() { Code = 1006, Text = cause.Message, MayReconnect = true, Cause = cause };

    internal static CloseInfo FromFault(NativeFault fault) =>
        new() { Code = (int)fault.CloseCode, Text = $"The hub broke the protocol: {fault.Reason}", MayReconnect = true };

    internal static CloseInfo FromHttpStatus(int status, Exception cause) =>
        new() { Code = status, Text = cause.Message, MayReconnect = status is 408 or 429 or >= 500, Cause = cause };

    internal static CloseInfo FromBye(int code, uint retryMilliseconds, string text) => new()
    {
        Code = code,
        Text = text,
        MayReconnect = retryMilliseconds != Bye.Never && Invites(code),
        RetryAfter = retryMilliseconds is 0 or Bye.Never ? null : TimeSpan.FromMilliseconds(retryMilliseconds),
    };

    // What the client did wrong it would do again; and the upper halves of the ranges for hubs mean "do not come back".
    private static bool Invites(int code) =>
        code is not (1002 or 1003 or 1007 or 1008 or 1009 or 1010 or (>= 3500 and < 4000) or (>= 4500 and < 5000));
}
