using System.Globalization;
using System.Text;
using Broker.Core.Upgrade;
using Microsoft.AspNetCore.Http;

namespace Broker.AspNetCore.Requests;

/// <summary>Writes why a request opens no connection, as the hub's own port does.</summary>
internal static class Refusal
{
    internal static async Task WriteAsync(HttpContext context, UpgradeFault fault)
    {
        HttpResponse response = context.Response;
        IHeaderDictionary headers = response.Headers;
        bool hasConnectionFields = !HttpProtocol.IsHttp2(context.Request.Protocol) && !HttpProtocol.IsHttp3(context.Request.Protocol);
        response.StatusCode = fault.Status;
        if (fault.Status == 405 && headers.Allow.Count == 0) headers.Allow = "GET";

        // "a |Sec-WebSocket-Version| header field", RFC 6455 section 4.2.2; over HTTP/2 the status of a wrong version is 400.
        if (fault.Status == 426 || (fault.Status == 400 && !hasConnectionFields)) headers.SecWebSocketVersion = UpgradeRules.Version;
        if (hasConnectionFields)
        {
            if (fault.Status == 426) headers.Upgrade = "websocket";
            headers.Connection = fault.Status == 426 ? "Upgrade, close" : "close";
        }

        if (fault.RetryAfter is { } pause)
            headers.RetryAfter = ((long)Math.Ceiling(Math.Max(0, pause.TotalSeconds))).ToString(CultureInfo.InvariantCulture);
        byte[] body = Encoding.UTF8.GetBytes(fault.Reason + "\n");
        response.ContentType = "text/plain";
        response.ContentLength = body.Length;
        if (!fault.Bodyless && !HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }
}
