using Broker.AspNetCore.Api;
using Broker.Host.Hosting;
using Microsoft.AspNetCore.Http.Features;
using Broker.Host.Settings;
using Broker.Store;

namespace Broker.Host.Http;

/// <summary>Everything that plain HTTP can ask for: the page, <c>/health</c>, <c>/ready</c> and <c>/metrics</c>.</summary>
/// <param name="hub">Whose readiness is told.</param>
/// <param name="page">Whether <c>/</c> answers with the page.</param>
/// <param name="metrics">Answers <c>/metrics</c>; none if no one does.</param>
/// <param name="isDraining">Whether the hub is on its way out, and not on its way in.</param>
public sealed class HttpRoutes(IHub hub, bool page, MetricsRoute? metrics, Func<bool> isDraining)
{
    /// <summary>Whether the keyed store can write; none without a store.</summary>
    public StoreHealth? Store { get; init; }

    /// <summary>Answers <c>/api</c> and what is below it; none if no one does.</summary>
    public ApiRoute? Api { get; init; }

    /// <summary>Answers one request.</summary>
    public Task AnswerAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        HttpRequest request = context.Request;
        context.Response.Headers.XContentTypeOptions = "nosniff";

        // A proxy keeps a connection for the one that comes next: what opens on a new one is served by the reactor itself.
        if (IsOfProxy(request) && !HttpProtocol.IsHttp2(request.Protocol)) context.Response.Headers.Connection = "close";
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
            HttpPaths.Health => WriteAsync(context, StatusCodes.Status200OK, "application/json", "{\"status\":\"ok\"}"u8),
            HttpPaths.Ready => AnswerReadyAsync(context),
            HttpPaths.Metrics when metrics is not null => metrics.AnswerAsync(context),
            _ when page && PageFiles.Find(path) is { } file => AnswerPageAsync(context, file),
            _ => WriteAsync(context, StatusCodes.Status404NotFound, "text/plain; charset=utf-8", "There is nothing here.\n"u8),
        };
    }

    // Whether or not the peer is one that is believed: the worst that a client gains by saying so is a new connection.
    private static bool IsOfProxy(HttpRequest request) =>
        request.Headers.ContainsKey("X-Forwarded-For") || request.Headers.ContainsKey("Forwarded") || request.Headers.ContainsKey("Via");

    private static bool WantsWebSocket(HttpRequest request) =>
        request.Headers.Upgrade.ToString().Contains("websocket", StringComparison.OrdinalIgnoreCase)
        || request.HttpContext.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true };

    // The hub answers for its own paths, on every way in; this is none of them.
    private static Task RefuseUpgradeAsync(HttpContext context)
    {
        if (!HttpProtocol.IsHttp2(context.Request.Protocol)) context.Response.Headers.Connection = "close";
        return WriteAsync(context, StatusCodes.Status404NotFound, "text/plain; charset=utf-8", "No WebSocket is served at this path.\n"u8);
    }

    // The one that balances load reads the status; the reader of the body learns which way the hub is going.
    private Task AnswerReadyAsync(HttpContext context) =>
        isDraining()
            ? WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "application/json", "{\"status\":\"draining\"}"u8)
            : hub.IsReady && hub.IsHistoryFailing
                ? WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "application/json", "{\"status\":\"history-failing\"}"u8)
            : hub.IsReady && Store is { IsFailing: true }
                ? WriteAsync(context, StatusCodes.Status503ServiceUnavailable, "application/json", "{\"status\":\"store-failing\"}"u8)
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
