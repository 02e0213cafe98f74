using Broker.AspNetCore.Api;
using Broker.Host.Hosting;

namespace Broker.Host.Http;

/// <summary>Everything that plain HTTP can ask for: the page, <c>/health</c>, <c>/ready</c> and <c>/metrics</c>.</summary>
/// <param name="hub">Whose readiness is told.</param>
/// <param name="page">Whether <c>/</c> answers with the page.</param>
/// <param name="metrics">Answers <c>/metrics</c>; none if nobody does.</param>
/// <param name="isDraining">Whether the hub is on its way out, and not on its way in.</param>
public sealed class HttpRoutes(IHub hub, bool page, MetricsRoute? metrics, Func<bool> isDraining)
{
    /// <summary>Answers <c>/api</c> and what is below it; none if nobody does.</summary>
    public ApiRoute? Api { get; init; }

    /// <summary>Answers one request.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        HttpRequest request = context.Request;
        context.Response.Headers.XContentTypeOptions = "nosniff";

        // A proxy keeps a connection for whoever comes next, who may want a WebSocket; those open on new connections only.
        if (IsOfProxy(request)) context.Response.Headers.Connection = "close";
        if (WantsWebSocket(request)) return RefuseUpgradeAsync(context);
        if (Api is not null && ApiRoute.Serves(request.Path, "/api", out string method)) return Api.AnswerAsync(context, method);
        if (!HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method))
        {
            context.Response.Headers.Allow = "GET, HEAD";
            return WriteAsync(context, StatusCodes.Status405MethodNotAllowed, "text/plain; charset=utf-8", "Only GET and HEAD.\n"u8);
        }

        string path = request.Path.Value ?? "";
        return path switch
        {
            "/health" => WriteAsync(context, StatusCodes.Status200OK, "application/json", "{\"status\":\"ok\"}"u8),
            "/ready" => AnswerReadyAsync(context),
            "/metrics" when metrics is not null => metrics.AnswerAsync(context),
            _ when page && PageFiles.Find(path) is { } file => AnswerPageAsync(context, file),
            _ => WriteAsync(context, StatusCodes.Status404NotFound, "text/plain; charset=utf-8", "There is nothing here.\n"u8),
        };
    }

    // Whether or not the peer is one that is believed: the worst that a client gains by saying so is a new connection.
    private static bool IsOfProxy(HttpRequest request) =>
        request.Headers.ContainsKey("X-Forwarded-For") || request.Headers.ContainsKey("Forwarded") || request.Headers.ContainsKey("Via");

    // The hub hands no upgrade over: this one came on a connection that had been handed over for an earlier request.
    private static bool WantsWebSocket(HttpRequest request) =>
        request.Headers.Upgrade.ToString().Contains("websocket", StringComparison.OrdinalIgnoreCase);

    // "A client that receives a 421 (Misdirected Request) response MAY retry the request ... over a different connection",
    // RFC 9110 section 15.5.20.
    private static Task RefuseUpgradeAsync(HttpContext context)
    {
        context.Response.Headers.Connection = "close";
        return WriteAsync(context, StatusCodes.Status421MisdirectedRequest, "text/plain; charset=utf-8", "A WebSocket opens on a connection of its own: ask again on a new one.\n"u8);
    }

    // Whoever balances load reads the status; whoever reads the body learns which way the hub is going.
    private Task AnswerReadyAsync(HttpContext context) =>
        isDraining()
            ? WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "application/json", "{\"status\":\"draining\"}"u8)
            : hub.IsReady
                ? WriteAsync(context, StatusCodes.Status200OK, "application/json", "{\"status\":\"ready\"}"u8)
                : WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "application/json", "{\"status\":\"starting\"}"u8);

    private static Task AnswerPageAsync(HttpContext context, PageFile file)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.ContentSecurityPolicy = PageFiles.ContentSecurityPolicy;
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers.CacheControl = "no-cache";
        headers.ETag = file.Tag;
        if (context.Request.Headers.IfNoneMatch == file.Tag)
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return Task.CompletedTask;
        }

        return WriteBodyAsync(context, StatusCodes.Status200OK, file.ContentType, file.Content);
    }

    private static Task WriteAsync(HttpContext context, int status, string contentType, ReadOnlySpan<byte> body)
    {
        context.Response.Headers.CacheControl = "no-store";
        return WriteBodyAsync(context, status, contentType, body.ToArray());
    }

    private static async Task WriteBodyAsync(HttpContext context, int status, string contentType, ReadOnlyMemory<byte> body)
    {
        HttpResponse response = context.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = body.Length;
        if (!HttpMethods.IsHead(context.Request.Method)) await response.Body.WriteAsync(body).ConfigureAwait(false);
    }
}
