namespace Broker.Core.Upgrade;

/// <summary>Judges a request that is addressed to a WebSocket endpoint. RFC 6455 section 4.2.</summary>
public static class UpgradeRules
{
    /// <summary>The one version of the WebSocket protocol.</summary>
    public const string Version = "13";

    /// <summary>Checks every rule that a client has to keep, in the order in which an answer helps most.</summary>
    /// <param name="request">A well-formed request.</param>
    /// <param name="origins">Which pages may connect.</param>
    /// <returns>The first rule broken, or <c>null</c>.</returns>
    public static UpgradeFault? Check(UpgradeRequest request, OriginRule origins)
    {
        UpgradeFault? fault = request switch
        {
            // "The method of the request MUST be GET", section 4.1.
            { Method: not "GET" } =>
                new UpgradeFault(405, "A WebSocket is opened with GET (RFC 6455 section 4.1)."),

            // "and the HTTP version MUST be at least 1.1", section 4.1. Not 505, which refuses a major version (RFC 9110
            // section 15.6.6), and not 426: "A server MUST ignore an Upgrade header field that is received in an
            // HTTP/1.0 request", section 7.8.
            { HttpMinorVersion: < 1 } =>
                new UpgradeFault(400, "A WebSocket needs HTTP/1.1 or above (RFC 6455 section 4.1)."),

            // "The request MUST contain an |Upgrade| header field whose value MUST include the "websocket" keyword",
            // and "a |Connection| header field whose value MUST include the "Upgrade" token", section 4.1.
            { WantsWebSocket: false } =>
                new UpgradeFault(
                    426, "Only WebSockets are served here: ask with Upgrade: websocket and Connection: Upgrade (RFC 6455 section 4.1)."),

            // "If this version does not match a version understood by the server, the server MUST abort the WebSocket
            // handshake ... and instead send an appropriate HTTP error code (such as 426 Upgrade Required)", section 4.2.2.
            { Version: not Version } =>
                new UpgradeFault(426, "Sec-WebSocket-Version is not 13 (RFC 6455 section 4.4)."),

            // "The request MUST include a header field with the name |Sec-WebSocket-Key|", section 4.1.
            { Key: null } =>
                new UpgradeFault(400, "Sec-WebSocket-Key is missing (RFC 6455 section 4.1)."),

            // "The |Sec-WebSocket-Key| header field MUST NOT appear more than once in an HTTP request", section 11.3.1.
            { Key: { } key } when key.Contains(',') =>
                new UpgradeFault(400, "Sec-WebSocket-Key stands there more than once (RFC 6455 section 11.3.1)."),

            // "with a base64-encoded ... value that, when decoded, is 16 bytes in length", section 4.2.1.
            { Key: { } key } when !IsSixteenBytes(key) =>
                new UpgradeFault(400, "Sec-WebSocket-Key is not 16 bytes in base64 (RFC 6455 section 4.2.1)."),

            // What follows the head are frames; a body in front of them would be read as frames.
            { HasBody: true } =>
                new UpgradeFault(400, "An upgrade request has no body (RFC 6455 section 4.1)."),

            // "If the server does not wish to accept this connection, it MUST return an appropriate HTTP error code
            // (e.g., 403 Forbidden)", section 4.2.2.
            _ when !origins.Allows(request.Origin, request.Host) =>
                new UpgradeFault(403, "This Origin may not connect (RFC 6455 section 10.2)."),

            _ => null,
        };
        return fault is { } found ? found with { Bodyless = request.Method is "HEAD" } : null;
    }

    /// <summary>
    /// Checks a request that came as an extended CONNECT, where HTTP itself says what else an upgrade says. RFC 8441 section 5.
    /// </summary>
    /// <param name="request">A well-formed request whose <c>:protocol</c> is <c>websocket</c>.</param>
    /// <param name="origins">Which pages may connect.</param>
    /// <returns>The first rule broken, or <c>null</c>.</returns>
    public static UpgradeFault? CheckConnect(UpgradeRequest request, OriginRule origins) => request switch
    {
        // Not 426, whose Upgrade field is "connection-specific" and so forbidden in HTTP/2, RFC 9113 section 8.2.2.
        { Version: not Version } =>
            new UpgradeFault(400, "Sec-WebSocket-Version is not 13 (RFC 6455 section 4.4)."),

        _ when !origins.Allows(request.Origin, request.Host) =>
            new UpgradeFault(403, "This Origin may not connect (RFC 6455 section 10.2)."),

        _ => null,
    };

    // Sixteen bytes are 22 characters and two of padding. What the four bits left over hold is no one's business here.
    private static bool IsSixteenBytes(string key) =>
        key.Length == 24 && key.EndsWith("==", StringComparison.Ordinal)
        && !key.AsSpan(0, 22).ContainsAnyExcept(HttpText.Base64Characters);
}
